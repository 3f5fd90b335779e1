// Tokens kept by a drawn decision each, as Rao et al. 2021 (DynamicViT) train them.
//
// In training a token stays where s + logit(u) > 0, u uniform: a binary Gumbel softmax, whose
// probability is sigmoid(s). The gradient is that of sigmoid((s + logit(u)) / temperature),
// straight through; the temperature falls exponentially over epochs. How many stay is drawn with
// it, and a penalty 2 (share - asked)^2 per image and gate draws their share to the one that was
// asked for. Otherwise the best k by s stay.
//
// Rows are dropped here, not masked: a dropped token has no part in the loss and so no gradient but
// that of the penalty. Distillation from a teacher is left out.
#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/nn/layers.h"
#include "core/random/random.h"
#include "transmitter/gate/kinds.h"

namespace semwave {

namespace {

/// Half of the numbers a token's score comes from are the token's own, half are the mean over its
/// image.
class Scorer {
 public:
  Scorer(ParameterSet& set, const std::string& name, const Architecture& a)
      : dim_(a.dim),
        norm_(set, name + ".norm", a.dim, a.condition_dim),
        local_(set, name + ".local", a.dim, a.dim / 2),
        global_(set, name + ".global", a.dim, a.dim / 2),
        out_(set, name + ".out", a.dim / 2 * 2, 1) {}
  Var operator()(Pass& pass, const Tokens& tokens, const Var& condition) const {
    const RaggedPtr& layout = tokens.layout;
    const Var normed = norm_(pass, tokens.rows, layout, condition);
    const Var even(pass.backend.zeros({layout->rows(), 1}));
    const Var mean = pool(pass, global_(pass, normed, Activation::gelu), even, layout);
    const Var of_image = gather_rows(pass, mean, layout->image);
    return out_(pass, concat_columns(pass, local_(pass, normed, Activation::gelu), of_image));
  }
  double operations(double rows) const {
    return norm_.operations(rows) + local_.operations(rows) + global_.operations(rows) +
           out_.operations(rows) + rows * 2 * (dim_ / 2);
  }

 private:
  int dim_;
  LayerNorm norm_;
  Linear local_, global_, out_;
};

class GumbelGate final : public Gate {
 public:
  GumbelGate(ParameterSet& set, const Architecture& architecture, const Json& parameters)
      : first_(parameters.at("first_temperature")),
        last_(parameters.at("temperature")),
        epochs_(parameters.at("annealing_epochs")) {
    for (int depth = 0; depth <= architecture.transmitter_blocks; ++depth)
      scorers_.emplace_back(set, "transmitter.gate.drawn." + std::to_string(depth), architecture);
  }
  Var score(Pass& pass, const Tokens& tokens, int depth, const Var& condition) const override {
    return scorers_[static_cast<std::size_t>(depth)](pass, tokens, condition);
  }
  double scoring_operations(double rows) const override {
    return scorers_.front().operations(rows);
  }
  bool learns() const override { return true; }

  Kept select(Pass& pass, const GateQuestion& q) const override {
    const Var s = score(pass, q.tokens, q.depth, q.condition);
    if (!pass.training) return keep_best(pass, *this, q.tokens, s, q.k);
    const Var noisy = affine(pass, s, 1.0f, noise(pass, *q.tokens.layout, q.depth));
    const Var soft = affine(
        pass, noisy, static_cast<float>(1 / temperature(static_cast<int>(pass.draws.visit))));
    Kept kept = keep_rows(pass, q.tokens, soft,
                          rows_above_zero(pass.backend, noisy.value(), *q.tokens.layout, q.k));
    kept.all_scores = Var(s.value());  // a score is a log odds here: it is drawn to nothing else
    if (q.penalty_scale > 0)
      kept.penalty = share_penalty(pass, q, sigmoid(pass, soft), *kept.tokens.layout, 2, 0);
    return kept;
  }

 private:
  double temperature(int epoch) const {
    const double way = epochs_ > 0 ? std::min(1.0, epoch / epochs_) : 1.0;
    return first_ * std::pow(last_ / first_, way);
  }
  static Tensor noise(const Pass& pass, const Ragged& layout, int depth) {
    PooledVector<float> drawn(static_cast<std::size_t>(layout.rows()));
    for (std::size_t r = 0; r < drawn.size(); ++r) {
      const std::uint32_t image = pass.draws.images[static_cast<std::size_t>(layout.image[r])];
      const auto place =
          static_cast<std::uint32_t>(depth) << 16 | static_cast<std::uint32_t>(layout.positions[r]);
      const double u =
          uniform(philox(pass.draws.seed, Purpose::selection, image, pass.draws.visit, place)[0]);
      drawn[r] = static_cast<float>(std::log(u / (1 - u)));
    }
    return pass.backend.from_host({layout.rows(), 1}, drawn.data());
  }

  double first_, last_, epochs_;
  std::vector<Scorer> scorers_;
};

Field number(const std::string& name, const std::string& summary, double fallback, double minimum,
             double maximum) {
  return {.name = name,
          .type = FieldType::number,
          .summary = summary,
          .fallback = fallback,
          .minimum = minimum,
          .maximum = maximum};
}

}  // namespace

void add_gumbel_gate(GateRegistry& registry) {
  Fields fields = gate_fields(
      "trained by drawn decisions (Gumbel softmax), the best k of each image stay otherwise; a "
      "training needs train.losses.budget");
  fields.fields.push_back(
      number("temperature", "of the decisions' gradient when annealing is over", 0.5, 0.01, 100));
  fields.fields.push_back(number("first_temperature", "the same in the first epoch", 5, 0.01, 100));
  fields.fields.push_back(number(
      "annealing_epochs", "epochs over which the temperature falls, exponentially", 8, 0, 100000));
  registry.add("gumbel", fields,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<GumbelGate>(set, architecture, parameters);
               });
}

}  // namespace semwave
