// Zhou et al. 2020 (PABEE): an image leaves when p heads in a row have agreed with the one before
// them. The count starts anew where a head changes its mind. Each image is counted by itself; their
// code tests a whole batch at once.
#include <algorithm>

#include "transmitter/exit/head_exit.h"

namespace semwave {

namespace {

class PatienceExit final : public HeadExit {
 public:
  explicit PatienceExit(const Json& parameters)
      : HeadExit(parameters), patience_(parameters.at("patience")) {}

 private:
  bool sure(const HeardHeads& heard) const override {
    int agreed = 0;
    for (int head = 1; head < heard.heads(); ++head)
      agreed = best(heard.head(head)) == best(heard.head(head - 1)) ? agreed + 1 : 0;
    return agreed >= patience_;
  }
  static std::ptrdiff_t best(std::span<const float> logits) {
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  }
  int patience_;
};

}  // namespace

void add_patience_exit(ExitRegistry& registry) {
  Fields fields = head_fields(
      "leaves where so many exit heads in a row agree with the one before, at the plan's depth at "
      "the latest");
  fields.fields.push_back({.name = "patience",
                           .type = FieldType::integer,
                           .summary = "agreements in a row",
                           .fallback = 1,
                           .minimum = 1,
                           .maximum = 15});
  registry.add("patience", fields, make_exit<PatienceExit>);
}

}  // namespace semwave
