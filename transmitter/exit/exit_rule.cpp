// Exit rules: the plan's depth, or where an exit head is sure. Teerapittayanon, McDanel, Kung 2016
// (BranchyNet) leave by entropy.
#include "transmitter/exit/exit_rule.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/error.h"
#include "core/tensor/backend.h"
#include "phy/header/semantic_header.h"

namespace semwave {

double softmax_confidence(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return 1 / sum;
}

double softmax_entropy(std::span<const float> logits) {
  // With e_i = exp(z_i - max z) and S their sum: H = ln S - sum e_i (z_i - max z) / S.
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0, weighted = 0;
  for (const float logit : logits) {
    const double e = std::exp(logit - largest);
    sum += e;
    if (e > 0) weighted += e * (logit - largest);
  }
  return std::log(sum) - weighted / sum;
}

namespace {

class FixedExit final : public ExitRule {
 public:
  bool leaves(int depth, const Plan& plan, std::span<const float>) const override {
    return depth >= plan.exit_depth;
  }
  bool looks() const override { return false; }
};

struct HeadRule {
  explicit HeadRule(const Json& parameters)
      : threshold(parameters.at("threshold")),
        from(parameters.at("from")),
        answer(parameters.at("answer")) {}
  double threshold;
  int from;
  bool answer;
};

/// At the deepest depth an image leaves anyway: only an answer is still worth asking for there.
class HeadExit : public ExitRule {
 public:
  explicit HeadExit(const Json& parameters) : rule_(parameters) {}
  bool asks(int depth, const Plan& plan) const override {
    return depth >= rule_.from && (rule_.answer || depth < plan.exit_depth);
  }
  bool leaves(int, const Plan&, std::span<const float> logits) const override {
    return !logits.empty() && sure(logits, rule_.threshold);
  }
  bool answers() const override { return rule_.answer; }
  void check(const Architecture& architecture, const Place& place) const override {
    if (!(rule_.threshold > 0 && rule_.threshold < 1))
      throw Error((place / "threshold").str(),
                  "must be above 0 and below 1, found " + canonical(rule_.threshold));
    if (!architecture.exit_heads)
      throw Error(place.str(),
                  "the model has no exit heads, which this exit asks: train it with "
                  "\"exit_heads\": true in model.architecture.transmitter and train.losses.exit "
                  "above 0 (train.initial may name this model)");
    if (rule_.from > architecture.transmitter_blocks)
      throw Error((place / "from").str(), std::to_string(rule_.from) + " is beyond the network's " +
                                              std::to_string(architecture.transmitter_blocks) +
                                              " transmitter blocks");
    if (const int bits = semantic_answer_bits(agreed_grid(architecture));
        rule_.answer && architecture.classes > (1 << bits))
      throw Error((place / "answer").str(),
                  "the header of a grid of " + std::to_string(architecture.grid()) +
                      " tokens has room for " + std::to_string(1 << bits) +
                      " classes, the model tells " + std::to_string(architecture.classes) +
                      " apart");
  }

 private:
  virtual bool sure(std::span<const float> logits, double threshold) const = 0;
  HeadRule rule_;
};

class ConfidenceExit final : public HeadExit {
 public:
  using HeadExit::HeadExit;

 private:
  bool sure(std::span<const float> logits, double threshold) const override {
    return softmax_confidence(logits) >= threshold;
  }
};

class EntropyExit final : public HeadExit {
 public:
  using HeadExit::HeadExit;

 private:
  bool sure(std::span<const float> logits, double threshold) const override {
    return softmax_entropy(logits) <= threshold * std::log(static_cast<double>(logits.size()));
  }
};

Fields head_fields(const std::string& summary, const std::string& threshold, double fallback) {
  Fields fields{.summary = summary};
  fields.fields = {
      {.name = "threshold",
       .type = FieldType::number,
       .summary = threshold + "; above 0 and below 1",
       .fallback = fallback,
       .minimum = 0,
       .maximum = 1},
      {.name = "from",
       .type = FieldType::integer,
       .summary = "blocks before the first head that is asked",
       .fallback = 1,
       .minimum = 1,
       .maximum = 15},
      {.name = "answer",
       .type = FieldType::boolean,
       .summary = "an image that is sure sends the head's class in its header and no token",
       .fallback = false}};
  return fields;
}

template <typename Rule>
std::unique_ptr<ExitRule> make_rule(const Json& parameters, ParameterSet&, const Architecture&) {
  return std::make_unique<Rule>(parameters);
}

}  // namespace

ExitRegistry& exits() {
  static ExitRegistry registry = [] {
    ExitRegistry made("exit");
    made.add("fixed", Fields{.summary = "leaves at the plan's depth"},
             [](const Json&, ParameterSet&, const Architecture&) {
               return std::make_unique<FixedExit>();
             });
    made.add("confidence",
             head_fields("leaves where an exit head gives a class at least this probability, at "
                         "the plan's depth at the latest",
                         "largest probability of the head's softmax", 0.9),
             make_rule<ConfidenceExit>);
    made.add("entropy",
             head_fields("leaves where the entropy of an exit head is at most this share of its "
                         "largest, at the plan's depth at the latest",
                         "entropy of the head's softmax over ln(classes)", 0.2),
             make_rule<EntropyExit>);
    return made;
  }();
  return registry;
}

namespace {

/// What a rule of a scenario says of itself, made for any network.
template <typename Ask>
auto ask(const Json& parameters, const Architecture& architecture, const Place& place,
         const Ask& question) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ParameterSet scratch(*backend, 0);
  return question(*exits().make(parameters, place, scratch, architecture));
}

}  // namespace

void check_exit(const Json& parameters, const Architecture& architecture, const Place& place) {
  ask(parameters, architecture, place,
      [&](const ExitRule& rule) { rule.check(architecture, place); });
}

bool exit_looks(const Json& parameters) {
  return ask(parameters, {}, {}, [](const ExitRule& rule) { return rule.looks(); });
}

}  // namespace semwave
