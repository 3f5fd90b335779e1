// The kinds of router, a file each; router.cpp lists them.
#pragma once

#include <vector>

#include "core/nn/layers.h"
#include "receiver/router/router.h"

namespace semwave {

void add_top_k_routers(RouterRegistry& registry);  // top_k, noisy_top_k
void add_expert_choice_router(RouterRegistry& registry);
void add_fixed_routers(RouterRegistry& registry);  // hash, random
void add_sigmoid_bias_router(RouterRegistry& registry);
void add_soft_router(RouterRegistry& registry);

/// The linear layer of each block that gives the logits.
std::vector<Linear> router_heads(ParameterSet& set, const Architecture& architecture, int logits);

Field experts_a_row_field();
/// `k` experts a row against those there are.
void check_k(int k, int experts, const Place& place);

}  // namespace semwave
