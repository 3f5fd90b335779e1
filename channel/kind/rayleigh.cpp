#include "channel/kind/rayleigh.h"

#include <cmath>
#include <numbers>

#include "channel/channel_fields.h"
#include "channel/registry.h"

namespace semwave {
namespace {

/// |h|, E|h| = sqrt(pi)/2.
class Magnitude final : public GainLaw {
  void draw(const LinkDraws& link, std::int64_t first, int slots_before,
            std::span<std::complex<double>> gains) const override {
    link.scatter(first, slots_before, gains);
    for (std::complex<double>& gain : gains) gain = std::abs(gain);
  }
  double unknown_error() const override { return 2 - std::sqrt(std::numbers::pi); }
};

class Rayleigh final : public GainLaw {
  void draw(const LinkDraws& link, std::int64_t first, int slots_before,
            std::span<std::complex<double>> gains) const override {
    link.scatter(first, slots_before, gains);
  }
  std::shared_ptr<const GainLaw> real_valued() const override {
    return std::make_shared<const Magnitude>();
  }
};

}  // namespace

std::shared_ptr<const GainLaw> rayleigh_gains() {
  static const auto law = std::make_shared<const Rayleigh>();
  return law;
}

void add_rayleigh(ChannelKinds& kinds) {
  kinds.add({.name = "rayleigh",
             .summary = "complex gain CN(0, 1), phase included, then white Gaussian noise",
             .fields = doppler_fields(),
             .read =
                 [](const Json& parameters, ChannelSettings& channel) {
                   channel.fading.gains = rayleigh_gains();
                   read_coherence(parameters, channel.fading);
                 },
             .chain = ChainPlace::fading});
}

}  // namespace semwave
