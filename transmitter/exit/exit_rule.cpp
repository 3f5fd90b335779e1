// Exit rules: the plan's depth, or where an exit head is sure. Teerapittayanon, McDanel, Kung 2016
// (BranchyNet) leave by entropy.
#include "transmitter/exit/exit_rule.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/tensor/backend.h"
#include "transmitter/exit/head_exit.h"

namespace semwave {

double softmax_confidence(std::span<const float> logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp((logit - largest) / temperature);
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
  bool leaves(int depth, const Plan& plan, const HeardHeads&) const override {
    return depth >= plan.exit_depth;
  }
  bool looks() const override { return false; }
};

class ConfidenceExit final : public HeadExit {
 public:
  using HeadExit::HeadExit;

 private:
  bool sure(const HeardHeads& heard) const override {
    return softmax_confidence(heard.latest()) >= threshold();
  }
};

class EntropyExit final : public HeadExit {
 public:
  using HeadExit::HeadExit;

 private:
  bool sure(const HeardHeads& heard) const override {
    return softmax_entropy(heard.latest()) <=
           threshold() * std::log(static_cast<double>(heard.classes));
  }
};

}  // namespace

int ExitRule::answer(const HeardHeads& heard) const {
  const std::span<const float> last = heard.latest();
  return static_cast<int>(std::max_element(last.begin(), last.end()) - last.begin());
}

ExitRegistry& exits() {
  static ExitRegistry registry = [] {
    ExitRegistry made("exit");
    made.add("fixed", Fields{.summary = "leaves at the plan's depth"},
             [](const Json&, ParameterSet&, const Architecture&) {
               return std::make_unique<FixedExit>();
             });
    made.add("confidence",
             with_threshold(head_fields("leaves where an exit head gives a class at least this "
                                        "probability, at the plan's depth at the latest"),
                            "largest probability of the head's softmax", 0.9),
             make_exit<ConfidenceExit>);
    made.add("entropy",
             with_threshold(head_fields("leaves where the entropy of an exit head is at most this "
                                        "share of its largest, at the plan's depth at the latest"),
                            "entropy of the head's softmax over ln(classes)", 0.2),
             make_exit<EntropyExit>);
    add_patience_exit(made);
    add_ensemble_exit(made);
    add_budgeted_exit(made);
    add_channel_exit(made);
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

std::string exit_made_for(const Json& parameters) {
  return ask(parameters, {}, {}, [](const ExitRule& rule) { return rule.made_for(); });
}

}  // namespace semwave
