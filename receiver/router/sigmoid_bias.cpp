// Balance without a loss (Wang et al. 2024): the k experts of the largest sigmoid(logit) + bias are
// chosen, and weighed by sigmoid(logit) alone. After each training step the bias of an expert that
// had fewer rows than the mean rises by `step`, that of one that had more falls. The biases are
// saved with the model, and constants afterwards.
#include "core/config/field_builders.h"
#include "receiver/router/choice.h"
#include "receiver/router/kinds.h"

namespace semwave {

namespace {

class SigmoidBias final : public Router {
 public:
  SigmoidBias(ParameterSet& set, const Architecture& a, int k, double step)
      : experts_(a.experts), k_(k), step_(step), heads_(router_heads(set, a, a.experts)) {
    for (int b = 0; b < a.receiver_blocks; ++b) {
      biases_.push_back(&set.add("receiver.blocks." + std::to_string(b) + ".router.balance",
                                 {a.experts}, Init::zeros));
      biases_.back()->steered = true;
    }
  }
  void check(const Architecture& a, const Place& place) const override {
    check_k(k_, a.experts, place);
  }
  double routing_operations(double rows) const override { return heads_.front().operations(rows); }
  double rows_run(double rows) const override { return k_ * rows; }
  RoutedBlock choose(Pass& pass, const RouterInput& input) const override {
    const auto block = static_cast<std::size_t>(input.block);
    const Var gates = sigmoid(pass, heads_[block](pass, input.described));
    PooledVector<float> value(static_cast<std::size_t>(gates.value().size()));
    PooledVector<float> bias(static_cast<std::size_t>(experts_));
    if (!value.empty()) pass.backend.to_host(gates.value(), value.data());
    pass.backend.to_host(biases_[block]->value, bias.data());
    for (std::size_t i = 0; i < value.size(); ++i) value[i] += bias[i % bias.size()];
    RoutedBlock made;
    made.routing = dispatch(gates, top_per_row(value, experts_, k_), k_);
    if (pass.statistics && pass.training) {
      std::vector<double> loads;
      for (std::size_t e = 0; e < bias.size(); ++e)
        loads.push_back(made.routing.group_starts[e + 1] - made.routing.group_starts[e]);
      pass.statistics->declare(pass.shard, name(block), loads);
    }
    return made;
  }
  void after_step(Backend& backend, const BatchStatistics& statistics) const override {
    for (std::size_t block = 0; block < biases_.size(); ++block) {
      const std::vector<double>& loads = statistics.total(name(block));
      if (loads.empty()) continue;
      double mean = 0;
      for (const double load : loads) mean += load / static_cast<double>(loads.size());
      std::vector<float> bias(loads.size());
      backend.to_host(biases_[block]->value, bias.data());
      for (std::size_t e = 0; e < loads.size(); ++e)
        bias[e] += static_cast<float>(step_ * ((mean > loads[e]) - (mean < loads[e])));
      backend.copy(biases_[block]->value, backend.from_host({experts_}, bias.data()));
    }
  }

 private:
  static std::string name(std::size_t block) { return "loads." + std::to_string(block); }
  int experts_, k_;
  double step_;
  std::vector<Linear> heads_;
  std::vector<Parameter*> biases_;
};

}  // namespace

void add_sigmoid_bias_router(RouterRegistry& registry) {
  const Fields fields{
      .summary =
          "k experts by sigmoid plus a bias that training steps keep balanced, without a loss",
      .fields = {experts_a_row_field(),
                 fields::number("step", 1e-3, 0, 1, "change of a bias after a training step")}};
  registry.add("sigmoid_bias", fields,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<SigmoidBias>(set, architecture,
                                                      parameters.at("k").get<int>(),
                                                      parameters.at("step").get<double>());
               });
}

}  // namespace semwave
