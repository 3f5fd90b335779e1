#include "transmitter/gate/gate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/nn/layers.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "transmitter/gate/kinds.h"

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
  add_uniform_gate(registry);
  add_norm_gate(registry);
  add_attention_gate(registry);
  add_gumbel_gate(registry);
  add_threshold_gate(registry);
  return registry;
}

}  // namespace

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

Kept Gate::select(Pass& pass, const GateQuestion& q) const {
  return keep_best(pass, *this, q.tokens, score(pass, q.tokens, q.depth, q.condition), q.k);
}

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
  if (!scores.defined()) {
    PooledVector<std::int32_t> every(static_cast<std::size_t>(layout.rows()));
    std::iota(every.begin(), every.end(), 0);
    return keep_rows(pass, tokens, scores, std::move(every));
  }
  PooledVector<std::int32_t> source;
  for (int i = 0; i < layout.images(); ++i) {
    const PooledVector<std::int32_t> best =
        best_rows(value, layout.starts[static_cast<std::size_t>(i)], layout.rows_of(i),
                  k[static_cast<std::size_t>(i)]);
    source.insert(source.end(), best.begin(), best.end());
  }
  return keep_rows(pass, tokens, scores, std::move(source));
}

PooledVector<std::int32_t> best_rows(std::span<const float> scores, int first, int count, int k) {
  PooledVector<std::int32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), first);
  if (k >= count) return order;
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const float va = scores[static_cast<std::size_t>(a)], vb = scores[static_cast<std::size_t>(b)];
    if (std::isnan(va) || std::isnan(vb))
      return std::isnan(va) == std::isnan(vb) ? a < b : std::isnan(vb);
    return va != vb ? va > vb : a < b;
  };
  const auto kept_end = order.begin() + k;
  std::nth_element(order.begin(), kept_end, order.end(), better);
  order.erase(kept_end, order.end());
  std::sort(order.begin(), order.end());
  return order;
}

Kept keep_rows(Pass& pass, const Tokens& tokens, const Var& scores,
               PooledVector<std::int32_t> source) {
  const Ragged& layout = *tokens.layout;
  Kept kept;
  kept.all_scores = scores;
  if (static_cast<int>(source.size()) == layout.rows()) {
    kept.tokens = tokens;
    kept.scores = scores;
    kept.source = std::move(source);
    return kept;
  }
  const auto kept_layout = make_block_shared<Ragged>();
  auto next = source.begin();
  for (int i = 0; i < layout.images(); ++i) {
    const std::int32_t end = layout.starts[static_cast<std::size_t>(i) + 1];
    for (; next != source.end() && *next < end; ++next)
      kept_layout->append(layout.positions[static_cast<std::size_t>(*next)]);
    kept_layout->end_image();
  }
  kept.tokens = {gather_rows(pass, tokens.rows, source), kept_layout};
  if (scores.defined()) kept.scores = gather_rows(pass, scores, source);
  kept.source = std::move(source);
  return kept;
}

namespace {

/// Asks a gate of a scenario, made for any network.
template <typename Ask>
auto ask(const Json& parameters, const Architecture& architecture, const Place& place,
         const Ask& question) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ParameterSet scratch(*backend, 0);
  return question(*gates().make(parameters, place, scratch, architecture));
}

}  // namespace

void check_gate(const Json& parameters, const std::vector<int>& depths,
                const Architecture& architecture, const Place& place) {
  ask(parameters, architecture, place, [&](const Gate& gate) {
    for (const int depth : depths) gate.check_depth(depth, place / "at");
  });
}

bool gate_looks(const Json& parameters) {
  Architecture any;  // what a gate says of itself does not depend on the network
  return ask(parameters, any, {}, [](const Gate& gate) { return gate.looks(); });
}

}  // namespace semwave
