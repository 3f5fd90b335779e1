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

  const Var logits = router->logits(pass, index_, concat_columns(pass, normed, noise));
  const Routing routing = route(pass, logits, router->k());
  PooledVector<const Parameter*> in_weight, in_bias, out_weight, out_bias;
  for (std::size_t e = 0; e < in_.size(); ++e) {
    in_weight.push_back(in_[e].weight());
    in_bias.push_back(in_[e].bias());
    out_weight.push_back(out_[e].weight());
    out_bias.push_back(out_[e].bias());
  }
  const Var dispatched = gather_rows(pass, normed, routing.source);
  const Var hidden =
      grouped_linear(pass, dispatched, routing.group_starts, in_weight, in_bias, Activation::gelu);
  const Var output = grouped_linear(pass, hidden, routing.group_starts, out_weight, out_bias);
  if (routed) *routed = {logits, routing};
  return {combine(pass, attended, output, routing), x.layout};
}

double ExpertBlock::operations(double rows, const Router* router, const Grid& grid) const {
  return operations(rows, router, router ? router->k() : 1, grid);
}

double ExpertBlock::dense_operations(double rows, const Router* router, const Grid& grid) const {
  return operations(rows, router, static_cast<double>(in_.size()), grid);
}

double ExpertBlock::operations(double rows, const Router* router, double experts,
                               const Grid& grid) const {
  const double sum = attention_.operations(rows, grid) + norm_.operations(rows) +
                     in_.front().operations(experts * rows) +
                     out_.front().operations(experts * rows);
  if (!router) return sum;
  return sum + router->routing_operations(rows) + operations::combine(rows, experts, dim_);
}

}  // namespace semwave
