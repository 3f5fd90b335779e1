// What a layer needs to run once, and the statistics that couple the shards of a batch.
#include "core/tensor/pass.h"

#include <cassert>

namespace semwave {
namespace {

void add(std::vector<double>& to, const std::vector<double>& from) {
  if (to.empty()) to.assign(from.size(), 0.0);
  assert(to.size() == from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

}  // namespace

void BatchStatistics::declare(int shard, const std::string& name, const std::vector<double>& sums) {
  add(slots_[static_cast<std::size_t>(shard)][name], sums);
}

void BatchStatistics::reduce() {
  totals_.clear();
  for (const auto& slot : slots_)
    for (const auto& [name, sums] : slot) add(totals_[name], sums);
}

const std::vector<double>& BatchStatistics::total(const std::string& name) const {
  static const std::vector<double> none;
  const auto found = totals_.find(name);
  return found == totals_.end() ? none : found->second;
}

Var Pass::parameter(const Parameter& parameter) const {
  if (!recording() || gradients == nullptr) return Var(parameter.value);
  return Var(parameter.value, gradients->of(parameter));
}

Var Pass::output(Tensor value, std::initializer_list<const Var*> inputs) const {
  bool needs_gradient = false;
  if (recording())
    for (const Var* input : inputs) needs_gradient = needs_gradient || input->needs_gradient();
  return Var(std::move(value), needs_gradient);
}

}  // namespace semwave
