#include "receiver/semantic/expert_block.h"

#include "core/ops/operations.h"

namespace semwave {

namespace {

std::string block_name(int index) {
  return "receiver.blocks." + std::to_string(index);
}

}  // namespace

ExpertBlock::ExpertBlock(ParameterSet& set, int index, const Architecture& a)
    : index_(index),
      dim_(a.dim),
      attention_(set, block_name(index), a.dim, a.heads, a.condition_dim, a.windows(index)),
      norm_(set, block_name(index) + ".norm2", a.dim, a.condition_dim) {
  for (int e = 0; e < a.experts; ++e) {
    const std::string name = block_name(index) + ".experts." + std::to_string(e);
    in_.emplace_back(set, name + ".fc1", a.dim, a.receiver_hidden);
    out_.emplace_back(set, name + ".fc2", a.receiver_hidden, a.dim);
  }
}

Tokens ExpertBlock::operator()(Pass& pass, const Tokens& x, const Var& noise, const Var& condition,
                               const Router* router, RoutedBlock* routed, const Grid& grid) const {
  const Var attended = attention_(pass, x, condition, grid);
  const Var normed = norm_(pass, attended, x.layout, condition);
  if (in_.size() == 1)
    return {out_[0](pass, in_[0](pass, normed, Activation::gelu), Activation::none, attended),
            x.layout};

  const Experts experts = [this](Pass& run, const Var& rows,
                                 std::span<const std::int32_t> group_starts) {
    PooledVector<const Parameter*> in_weight, in_bias, out_weight, out_bias;
    for (std::size_t e = 0; e < in_.size(); ++e) {
      in_weight.push_back(in_[e].weight());
      in_bias.push_back(in_[e].bias());
      out_weight.push_back(out_[e].weight());
      out_bias.push_back(out_[e].bias());
    }
    const Var hidden =
        grouped_linear(run, rows, group_starts, in_weight, in_bias, Activation::gelu);
    return grouped_linear(run, hidden, group_starts, out_weight, out_bias);
  };
  const Var described = concat_columns(pass, normed, noise);
  return {router->mix(pass, {index_, normed, described, x.layout}, experts, attended, routed),
          x.layout};
}

double ExpertBlock::operations(double rows, const Router* router, const Grid& grid) const {
  return operations(rows, router, router ? router->rows_run(rows) : rows,
                    router ? router->rows_combined(rows) : 0, grid);
}

double ExpertBlock::dense_operations(double rows, const Router* router, const Grid& grid) const {
  const double run = static_cast<double>(in_.size()) * rows;
  return operations(rows, router, run, run, grid);
}

double ExpertBlock::operations(double rows, const Router* router, double run, double combined,
                               const Grid& grid) const {
  const double sum = attention_.operations(rows, grid) + norm_.operations(rows) +
                     in_.front().operations(run) + out_.front().operations(run);
  if (!router) return sum;
  return sum + router->routing_operations(rows) + operations::combine(combined, 1, dim_);
}

}  // namespace semwave
