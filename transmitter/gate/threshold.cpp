// Tokens above a threshold that depends on what is asked for, after the ResidualViT of peekvit
// (Devoto et al.): the logit l of a token against h of a budget. Here the budget is the image's
// condition, which knows the share that its plan asks for. So each image keeps as many tokens as it
// needs, and the asked share a holds in the mean: a penalty (share - a)^2 (2 - a) per image teaches
// it.
//
// Three things differ. The paper multiplies rows by relu(sigmoid(l) - sigmoid(h)), which shrinks
// what is kept, and holds the mean of that mask to the budget; on the air it is the count that
// costs, so the count is held to it here, rows stay as they are, and the gradient goes straight
// through sigmoid(l - h). The paper's penalty is one-sided: a masked token that helps asks to come
// back. A token whose row was removed cannot, so here too few cost as much as too many.
#include "core/nn/layers.h"
#include "transmitter/gate/kinds.h"

namespace semwave {

namespace {

class ThresholdGate final : public Gate {
 public:
  ThresholdGate(ParameterSet& set, const Architecture& a, bool exact) : exact_(exact) {
    for (int depth = 0; depth <= a.transmitter_blocks; ++depth) {
      const std::string name = "transmitter.gate.threshold." + std::to_string(depth);
      heads_.push_back({LayerNorm(set, name + ".norm", a.dim, a.condition_dim),
                        Linear(set, name + ".token", a.dim, 1),
                        Linear(set, name + ".budget", a.condition_dim, 1)});
    }
  }
  /// l - h: above 0 stays.
  Var score(Pass& pass, const Tokens& tokens, int depth, const Var& condition) const override {
    const Head& head = heads_[static_cast<std::size_t>(depth)];
    const Var l = head.token(pass, head.norm(pass, tokens.rows, tokens.layout, condition));
    const Var h = affine(pass, head.budget(pass, condition), -1.0f);
    return add_rows(pass, l, h, tokens.layout->image);
  }
  double scoring_operations(double rows) const override {
    const Head& head = heads_.front();
    return head.norm.operations(rows) + head.token.operations(rows) + head.budget.operations(1);
  }
  bool learns() const override { return true; }
  bool looks() const override { return !exact_; }

  Kept select(Pass& pass, const GateQuestion& q) const override {
    const Var s = score(pass, q.tokens, q.depth, q.condition);
    Kept kept = exact_ ? keep_best(pass, *this, q.tokens, s, q.k)
                       : keep_rows(pass, q.tokens, s,
                                   rows_above_zero(pass.backend, s.value(), *q.tokens.layout, q.k));
    if (!exact_) kept.all_scores = Var(s.value());  // 0 is the threshold: drawn to nothing else
    if (!exact_ && q.penalty_scale > 0)
      kept.penalty = share_penalty(pass, q, sigmoid(pass, s), *kept.tokens.layout, 2, 1);
    return kept;
  }

 private:
  struct Head {
    LayerNorm norm;
    Linear token, budget;
  };
  bool exact_;
  std::vector<Head> heads_;
};

}  // namespace

void add_threshold_gate(GateRegistry& registry) {
  Fields fields = gate_fields(
      "tokens above a trained threshold stay: keep holds in the mean over images, not for each; a "
      "training needs train.losses.budget");
  fields.fields.push_back({.name = "exact",
                           .type = FieldType::boolean,
                           .summary = "the best k of each image instead",
                           .fallback = false});
  registry.add("threshold", fields,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<ThresholdGate>(set, architecture,
                                                        parameters.at("exact").get<bool>());
               });
}

}  // namespace semwave
