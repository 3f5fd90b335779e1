#include "receiver/router/router.h"

#include <string>

#include "core/base/error.h"
#include "receiver/router/kinds.h"

namespace semwave {

Var Router::mix(Pass& pass, const RouterInput& input, const Experts& experts, const Var& residual,
                RoutedBlock* routed) const {
  RoutedBlock chosen = choose(pass, input);
  const Routing& routing = chosen.routing;
  const Var answers =
      experts(pass, gather_rows(pass, input.tokens, routing.source), routing.group_starts);
  const Var mixed = combine(pass, residual, answers, routing);
  if (routed) *routed = std::move(chosen);
  return mixed;
}

std::vector<Linear> router_heads(ParameterSet& set, const Architecture& architecture, int logits) {
  std::vector<Linear> heads;
  for (int b = 0; b < architecture.receiver_blocks; ++b)
    heads.emplace_back(set, "receiver.blocks." + std::to_string(b) + ".router",
                       architecture.dim + 1, logits);
  return heads;
}

Field experts_a_row_field() {
  return {.name = "k",
          .type = FieldType::integer,
          .summary = "experts a row",
          .fallback = 1,
          .minimum = 1,
          .maximum = 8};
}

void check_k(int k, int experts, const Place& place) {
  if (k > experts)
    throw Error((place / "k").str(), "the model has " + std::to_string(experts) +
                                         " experts, asked for " + std::to_string(k));
}

RouterRegistry& routers() {
  static RouterRegistry registry = [] {
    RouterRegistry made("router");
    add_top_k_routers(made);
    add_expert_choice_router(made);
    add_sigmoid_bias_router(made);
    add_soft_router(made);
    add_fixed_routers(made);
    return made;
  }();
  return registry;
}

}  // namespace semwave
