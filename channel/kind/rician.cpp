#include "channel/kind/rician.h"

#include <cmath>
#include <numbers>

#include "channel/channel_fields.h"
#include "channel/registry.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

class Rician final : public GainLaw {
 public:
  explicit Rician(double k_factor) : k_(k_factor) {}

  void draw(const LinkDraws& link, std::int64_t first, int slots_before,
            std::span<std::complex<double>> gains) const override {
    const double phase = 2 * std::numbers::pi * uniform(link.lasting_words()[0]);
    const std::complex<double> line_of_sight = std::polar(std::sqrt(k_ / (k_ + 1)), phase);
    const double amplitude = std::sqrt(1 / (k_ + 1));

    link.scatter(first, slots_before, gains);
    for (std::complex<double>& gain : gains) gain = line_of_sight + amplitude * gain;
  }
  double correlation(double, double scatter) const override { return (k_ + scatter) / (k_ + 1); }

 private:
  double k_;
};

}  // namespace

std::shared_ptr<const GainLaw> rician_gains(double k_factor) {
  return std::make_shared<const Rician>(k_factor);
}

void add_rician(ChannelKinds& kinds) {
  const Field k = fields::number("k_db", 6, -100, 100,
                                 "power of the line of sight over that of the scatter, dB");
  kinds.add({.name = "rician",
             .summary = "a line of sight of constant gain and a scattered part CN(0, 1), together "
                        "of unit power, then white Gaussian noise",
             .fields = fields::joined({k}, doppler_fields()),
             .read =
                 [](const Json& parameters, ChannelSettings& channel) {
                   channel.fading.gains = rician_gains(linear(parameters.at("k_db")));
                   read_coherence(parameters, channel.fading);
                 },
             .chain = ChainPlace::fading});
}

}  // namespace semwave
