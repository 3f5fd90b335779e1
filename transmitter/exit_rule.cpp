#include "transmitter/exit_rule.h"

namespace semwave {

namespace {

class FixedExit final : public ExitRule {
 public:
  List<std::uint8_t> leaves(Pass&, const Tokens&, int depth, const List<Plan>& plans) const override {
    List<std::uint8_t> out(plans.size());
    for (std::size_t i = 0; i < plans.size(); ++i) out[i] = depth >= plans[i].exit_depth;
    return out;
  }
  bool looks() const override { return false; }
};

}  // namespace

ExitRegistry& exits() {
  static ExitRegistry registry = [] {
    ExitRegistry made("exit");
    made.add("fixed", Fields{.summary = "leaves at the plan's depth"}, [](const Json&, ParameterSet&, const Architecture&) { return std::make_unique<FixedExit>(); });
    return made;
  }();
  return registry;
}

}  // namespace semwave
