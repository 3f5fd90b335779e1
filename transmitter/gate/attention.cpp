// The tokens that the others looked at most: Liang et al. 2022 (EViT) keep those of the highest
// class attention. There is no class token here, so it is the attention received from all rows of
// the image, mean over heads. Their fused token is left out: it has no place in the grid that a
// header could name.
#include <cassert>

#include "core/base/error.h"
#include "transmitter/gate/kinds.h"

namespace semwave {

namespace {

class AttentionGate final : public Gate {
 public:
  Var score(Pass&, const Tokens& tokens, int, const Var&) const override {
    assert(tokens.received.defined() && "check_depth() and wants_received() see to it");
    return tokens.received;
  }
  bool wants_received() const override { return true; }
  void check_depth(int depth, const Place& place) const override {
    if (depth == 0)
      throw Error(place.str(),
                  "a gate by attention needs a block before it: tokens that have met no other have "
                  "received no attention, so neither a gate nor an image that leaves can stand at "
                  "depth 0");
  }
};

}  // namespace

void add_attention_gate(GateRegistry& registry) {
  Fields fields = gate_fields(
      "the tokens that received most attention in the block before stay; needs a depth of 1");
  fields.fields.front().fallback = Json::array({1});
  registry.add("attention", fields, [](const Json&, ParameterSet&, const Architecture&) {
    return std::make_unique<AttentionGate>();
  });
}

}  // namespace semwave
