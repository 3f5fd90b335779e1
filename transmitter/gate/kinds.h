// The kinds of gate that have a file of their own here; gate.cpp lists them.
#pragma once

#include "transmitter/gate/gate.h"

namespace semwave {

void add_uniform_gate(GateRegistry& registry);
void add_norm_gate(GateRegistry& registry);
void add_attention_gate(GateRegistry& registry);
void add_gumbel_gate(GateRegistry& registry);
void add_threshold_gate(GateRegistry& registry);

}  // namespace semwave
