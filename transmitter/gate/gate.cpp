#include "transmitter/gate/gate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/nn/layers.h"
#include "core/random/random.h"

namespace semwave {

namespace {

class KeepAll final : public Gate {
 public:
  Var score(Pass&, const Tokens&, int, const Var&) const override { return {}; }
  bool drops() const override { return false; }
};

class RandomGate final : public Gate {
 public:
  Var score(Pass& pass, const Tokens& tokens, int, const Var&) const override {
    const Ragged& layout = *tokens.layout;
    PooledVector<float> scores(static_cast<std::size_t>(layout.rows()));
    for (std::size_t r = 0; r < scores.size(); ++r) {
      const std::uint32_t image = pass.draws.images[static_cast<std::size_t>(layout.image[r])];
      const RandomWords words = philox(pass.draws.seed, Purpose::gate, image, pass.draws.visit,
                                       static_cast<std::uint32_t>(layout.positions[r]));
      scores[r] = static_cast<float>(uniform(words[0]));
    }
    return Var(pass.backend.from_host({layout.rows(), 1}, scores.data()));
  }
};

/// A two-layer perceptron on the normed token for each depth at which tokens may be dropped.
class LearnedGate final : public Gate {
 public:
  LearnedGate(ParameterSet& set, const Architecture& architecture, double exploration)
      : exploration_(exploration) {
    const int dim = architecture.dim;
    for (int depth = 0; depth <= architecture.transmitter_blocks; ++depth) {
      const std::string name = "transmitter.gate.scores." + std::to_string(depth);
      heads_.push_back({LayerNorm(set, name + ".norm", dim, architecture.condition_dim),
                        Linear(set, name + ".fc1", dim, dim / 2),
                        Linear(set, name + ".fc2", dim / 2, 1)});
    }
  }
  Var score(Pass& pass, const Tokens& tokens, int depth, const Var& condition) const override {
    const Head& head = heads_[static_cast<std::size_t>(depth)];
    return head.out(pass, head.in(pass, head.norm(pass, tokens.rows, tokens.layout, condition),
                                  Activation::gelu));
  }
  double scoring_operations(double rows) const override {
    const Head& head = heads_.front();  // of one shape all
    return head.norm.operations(rows) + head.in.operations(rows) + head.out.operations(rows);
  }
  bool learns() const override { return true; }
  double exploration() const override { return exploration_; }

 private:
  struct Head {
    LayerNorm norm;
    Linear in, out;
  };
  double exploration_;
  PooledVector<Head> heads_;
};

Fields gate_fields(const std::string& summary) {
  Fields fields{.summary = summary};
  const Field depth{.name = "depth",
                    .type = FieldType::integer,
                    .summary = "blocks before the gate",
                    .minimum = 0,
                    .maximum = 15};
  fields.fields = {
      {.name = "at",
       .type = FieldType::list,
       .summary =
           "blocks after which tokens are dropped, ascending; keep is reached at the last, "
           "geometric between. A learned gate is only as good as its training at these depths",
       .fallback = Json::array({0}),
       .element = std::make_shared<const Field>(depth)}};
  return fields;
}

GateRegistry built_in() {
  GateRegistry registry("gate");
  registry.add(
      "keep_all", gate_fields("every token stays, whatever keep says"),
      [](const Json&, ParameterSet&, const Architecture&) { return std::make_unique<KeepAll>(); });
  registry.add("random", gate_fields("tokens drawn at random, the baseline of every selection"),
               [](const Json&, ParameterSet&, const Architecture&) {
                 return std::make_unique<RandomGate>();
               });
  Fields learned = gate_fields(
      "the tokens with the highest trained score stay; the share is chosen at run time");
  learned.fields.push_back({.name = "exploration",
                            .type = FieldType::number,
                            .summary = "standard deviation of the noise on scores while training",
                            .fallback = 0.5,
                            .minimum = 0,
                            .maximum = 100});
  registry.add("learned", learned,
               [](const Json& parameters, ParameterSet& set, const Architecture& architecture) {
                 return std::make_unique<LearnedGate>(set, architecture,
                                                      parameters.at("exploration").get<double>());
               });
  return registry;
}

}  // namespace

GateRegistry& gates() {
  static GateRegistry registry = built_in();
  return registry;
}

Kept keep_best(Pass& pass, const Gate& gate, const Tokens& tokens, const Var& scores,
               const PooledVector<int>& k) {
  const Ragged& layout = *tokens.layout;
  PooledVector<float> value;
  if (scores.defined()) {
    value.resize(static_cast<std::size_t>(layout.rows()));
    pass.backend.to_host(scores.value(), value.data());
    if (pass.training && gate.exploration() > 0) {
      for (std::size_t r = 0; r < value.size(); ++r) {
        const std::uint32_t image = pass.draws.images[static_cast<std::size_t>(layout.image[r])];
        const RandomWords words = philox(pass.draws.seed, Purpose::gate, image, pass.draws.visit,
                                         static_cast<std::uint32_t>(layout.positions[r]));
        value[r] +=
            static_cast<float>(gate.exploration() * std::sqrt(2.0) * complex_normal(words).real());
      }
    }
  }
  Kept kept;
  const auto kept_layout = make_block_shared<Ragged>();
  PooledVector<std::int32_t> order;
  for (int i = 0; i < layout.images(); ++i) {
    const int rows = layout.rows_of(i), first = layout.starts[static_cast<std::size_t>(i)];
    order.resize(static_cast<std::size_t>(rows));
    std::iota(order.begin(), order.end(), first);
    if (scores.defined() && k[static_cast<std::size_t>(i)] < rows) {
      // Of equal scores (and of NaN, which counts as lowest) the lower position wins.
      const auto better = [&](std::int32_t a, std::int32_t b) {
        const float va = value[static_cast<std::size_t>(a)],
                    vb = value[static_cast<std::size_t>(b)];
        if (std::isnan(va) || std::isnan(vb))
          return std::isnan(va) == std::isnan(vb) ? a < b : std::isnan(vb);
        return va != vb ? va > vb : a < b;
      };
      const auto kept_end = order.begin() + k[static_cast<std::size_t>(i)];
      std::nth_element(order.begin(), kept_end, order.end(), better);
      order.erase(kept_end, order.end());
      std::sort(order.begin(), order.end());
    }
    for (const std::int32_t r : order) {
      kept.source.push_back(r);
      kept_layout->append(layout.positions[static_cast<std::size_t>(r)]);
    }
    kept_layout->end_image();
  }
  if (static_cast<int>(kept.source.size()) == layout.rows()) {
    kept.tokens = tokens;
    kept.scores = scores;
    return kept;
  }
  kept.tokens = {gather_rows(pass, tokens.rows, kept.source), kept_layout};
  if (scores.defined()) kept.scores = gather_rows(pass, scores, kept.source);
  return kept;
}

}  // namespace semwave
