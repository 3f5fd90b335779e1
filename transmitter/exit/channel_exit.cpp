// An image leaves, and best answers itself, where its head is at least as sure as the receiver
// would be right over this link: arXiv 2311.18098 decides between answering here and transmitting
// so. How often the receiver is right at an SNR was measured (on the validation split) and stands
// in the scenario; between two SNRs it is interpolated, beyond them it is that of the nearest.
#include "core/base/error.h"
#include "transmitter/exit/head_exit.h"

namespace semwave {

namespace {

class ChannelExit final : public HeadExit {
 public:
  explicit ChannelExit(const Json& parameters)
      : HeadExit(parameters), temperature_(parameters.at("temperature")) {
    for (const Json& one : parameters.at("receiver"))
      table_.push_back({one.at("snr_db"), one.at("right")});
  }
  void check(const Architecture& architecture, const Place& place) const override {
    HeadExit::check(architecture, place);
    const std::string at = (place / "receiver").str();
    if (table_.empty()) throw Error(at, "expected at least one SNR");
    for (std::size_t i = 1; i < table_.size(); ++i)
      if (table_[i].snr_db <= table_[i - 1].snr_db) throw Error(at, "snr_db must ascend");
  }

 private:
  struct Measured {
    double snr_db, right;
  };
  double right_at(double snr_db) const {
    std::size_t above = 0;
    while (above < table_.size() && table_[above].snr_db <= snr_db) ++above;
    if (above == 0) return table_.front().right;
    if (above == table_.size()) return table_.back().right;
    const Measured &a = table_[above - 1], &b = table_[above];
    return a.right + (b.right - a.right) * (snr_db - a.snr_db) / (b.snr_db - a.snr_db);
  }
  bool sure(const HeardHeads& heard) const override {
    return softmax_confidence(heard.latest(), temperature_) >= right_at(heard.snr_db);
  }

  double temperature_;
  std::vector<Measured> table_;
};

Field share(const std::string& name, const std::string& summary, double minimum, double maximum) {
  return {.name = name,
          .type = FieldType::number,
          .summary = summary,
          .minimum = minimum,
          .maximum = maximum};
}

}  // namespace

void add_channel_exit(ExitRegistry& registry) {
  const Fields measured{.summary = "how often the receiver is right",
                        .fields = {share("snr_db", "SNR the transmitter believes in", -200, 200),
                                   share("right", "share of images, measured", 0, 1)}};
  Fields fields = head_fields(
      "leaves where an exit head is at least as sure as the receiver would be right at the "
      "believed "
      "SNR, at the plan's depth at the latest");
  fields.fields.push_back({.name = "receiver",
                           .type = FieldType::list,
                           .summary = "the receiver's measured accuracy, ascending in snr_db",
                           .element = std::make_shared<const Field>(
                               Field{.name = "measured",
                                     .type = FieldType::object,
                                     .summary = "how often the receiver is right",
                                     .object = std::make_shared<const Fields>(measured)})});
  Field temperature = share("temperature", "by which the head's logits are divided", 1e-3, 1000);
  temperature.fallback = 1.0;
  fields.fields.push_back(temperature);
  fields.fields.push_back(fitted_to_field());
  registry.add("channel", fields, make_exit<ChannelExit>);
}

}  // namespace semwave
