// A threshold for each head, so that stated shares of the images leave at each: Huang et al. 2018
// (MSDNet, budgeted batch classification). A head's confidence is that of its logits over its
// temperature (Guo et al. 2017). `semwave calibrate` fits both on the validation split
// (calibration.h) and writes the rule.
#include "core/base/error.h"
#include "transmitter/exit/head_exit.h"

namespace semwave {

namespace {

class BudgetedExit final : public HeadExit {
 public:
  explicit BudgetedExit(const Json& parameters)
      : HeadExit(parameters),
        thresholds_(parameters.at("thresholds").get<std::vector<double>>()),
        temperatures_(parameters.at("temperatures").get<std::vector<double>>()) {}
  void check(const Architecture& architecture, const Place& place) const override {
    HeadExit::check(architecture, place);
    const auto heads = static_cast<std::size_t>(architecture.transmitter_blocks - from() + 1);
    const auto wanted = [&](const char* name, std::size_t found) {
      if (found != heads)
        throw Error((place / name).str(), "expected " + std::to_string(heads) +
                                              " numbers, one for each head from block " +
                                              std::to_string(from()) + " on; found " +
                                              std::to_string(found));
    };
    wanted("thresholds", thresholds_.size());
    if (!temperatures_.empty()) wanted("temperatures", temperatures_.size());
  }

 private:
  bool sure(const HeardHeads& heard) const override {
    const auto at = static_cast<std::size_t>(heard.heads() - 1);
    const double temperature = at < temperatures_.size() ? temperatures_[at] : 1.0;
    return softmax_confidence(heard.latest(), temperature) >= thresholds_.at(at);
  }
  std::vector<double> thresholds_, temperatures_;
};

}  // namespace

void add_budgeted_exit(ExitRegistry& registry) {
  Fields fields = head_fields(
      "leaves where an exit head's confidence reaches that head's own threshold, fitted by semwave "
      "calibrate so that stated shares leave at each, at the plan's depth at the latest");
  fields.fields.push_back(numbers_of_heads(
      "thresholds", "of each head from `from` on; above 1: nobody leaves there", 0, 1e9));
  fields.fields.push_back(numbers_of_heads(
      "temperatures", "of each head from `from` on; empty: all are 1", 1e-3, 1000));
  fields.fields.push_back(fitted_to_field());
  registry.add("budgeted", fields, make_exit<BudgetedExit>);
}

}  // namespace semwave
