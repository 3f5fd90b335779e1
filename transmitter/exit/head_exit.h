// What exits share that ask a head behind each block, and the kinds of them that have a file of
// their own here; exit_rule.cpp lists them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "transmitter/exit/exit_rule.h"

namespace semwave {

/// At the deepest depth an image leaves anyway: only an answer is still worth asking for there.
class HeadExit : public ExitRule {
 public:
  explicit HeadExit(const Json& parameters);
  bool asks(int depth, const Plan& plan) const override;
  bool leaves(int depth, const Plan& plan, const HeardHeads& heard) const override;
  bool answers() const override { return answer_; }
  std::string made_for() const override { return made_for_; }
  void check(const Architecture& architecture, const Place& place) const override;

 protected:
  int from() const { return from_; }
  double threshold() const { return threshold_; }  // where the rule has one

 private:
  /// `heard` holds one word at least.
  virtual bool sure(const HeardHeads& heard) const = 0;

  int from_;
  bool answer_;
  std::string made_for_;
  double threshold_;
};

/// `from`, `answer`.
Fields head_fields(const std::string& summary);
/// With a `threshold` above 0 and below 1 before them; HeadExit checks it.
Fields with_threshold(Fields fields, const std::string& summary, double fallback);
/// `model_sha256`: the checkpoint that other fields were fitted to; HeadExit says it.
Field fitted_to_field();
/// A list of numbers, one for each head from `from` on; empty is its default.
Field numbers_of_heads(const std::string& name, const std::string& summary, double minimum,
                       double maximum);

template <typename Rule>
std::unique_ptr<ExitRule> make_exit(const Json& parameters, ParameterSet&, const Architecture&) {
  return std::make_unique<Rule>(parameters);
}

void add_patience_exit(ExitRegistry& registry);
void add_ensemble_exit(ExitRegistry& registry);
void add_budgeted_exit(ExitRegistry& registry);
void add_channel_exit(ExitRegistry& registry);

}  // namespace semwave
