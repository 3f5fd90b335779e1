// Nakagami-m fading (Nakagami 1960; Simon and Alouini, Digital Communication over Fading Channels,
// 2005, section 2.2.1.4): |h|^2 is Gamma(m, 1/m), of mean 1, and the phase is uniform. m = 1 is
// Rayleigh, m = 1/2 one-sided Gaussian, and large m hardly fades.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "channel/channel_fields.h"
#include "channel/registry.h"
#include "core/config/field_builders.h"

namespace semwave {
namespace {

constexpr CodePart part_nakagami{"nakagami", 1, "channel/kind/nakagami"};

class Nakagami final : public GainLaw {
 public:
  explicit Nakagami(double m);

  void draw(const LinkDraws& link, std::int64_t first, int slots_before,
            std::span<std::complex<double>> gains) const override {
    for (std::size_t i = 0; i < gains.size(); ++i)
      gains[i] = gain(link, first + static_cast<std::int64_t>(i), slots_before);
  }
  QuantisedNormal quantised(int bits, double range) const override;

 private:
  std::complex<double> gain(const LinkDraws& link, std::int64_t interval, int slots_before) const;

  double m_;
  double shape_, shift_, scale_;  // of the rejection: at least 1, d and c of the paper
};

/// Marsaglia and Tsang (2000): d (1 + c x)^3 of a normal x, accepted exactly as often as makes it
/// Gamma(shape, 1). A shape below 1 is drawn as shape + 1 times U^(1/shape).
Nakagami::Nakagami(double m)
    : m_(m),
      shape_(m < 1 ? m + 1 : m),
      shift_(shape_ - 1.0 / 3),
      scale_(1 / std::sqrt(9 * shift_)) {}

std::complex<double> Nakagami::gain(const LinkDraws& link, std::int64_t interval,
                                    int slots_before) const {
  // Round 0 holds phase and U, each further round one attempt: 95 in 100 accept the first.
  const RandomWords lasting = link.words(interval, slots_before);
  double gamma = 0;
  for (std::uint32_t round = 1;; ++round) {
    const RandomWords words = link.words(interval, slots_before, round);
    const double x = std::numbers::sqrt2 * complex_normal(words).real(), root = 1 + scale_ * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(uniform(words[2])) < x * x / 2 + shift_ * (1 - v + std::log(v))) {
      gamma = shift_ * v;
      break;
    }
  }
  if (m_ < 1) gamma *= std::pow(uniform(lasting[1]), 1 / m_);
  return std::polar(std::sqrt(gamma / m_), 2 * std::numbers::pi * uniform(lasting[0]));
}

/// The real dimension |h| cos(phase), integrated over phase and amplitude in steps.
QuantisedNormal Nakagami::quantised(int bits, double range) const {
  constexpr int phases = 64, amplitudes = 400;
  const double largest = 2 * std::sqrt(1 + 8 / std::sqrt(m_));  // nothing is left beyond
  const double width = std::ldexp(2 * range, -bits), last = std::ldexp(1.0, bits) - 1;
  QuantisedNormal made;
  double mass = 0;
  for (int k = 0; k < phases; ++k) {
    const double along = std::cos(std::numbers::pi / 2 * (k + 0.5) / phases);
    for (int i = 0; i < amplitudes; ++i) {
      const double r = largest * (i + 0.5) / amplitudes, x = r * along;
      const double density = std::exp((2 * m_ - 1) * std::log(r) + m_ * (1 - r * r));
      const double cell = std::clamp(std::floor((x + range) / width), 0.0, last),
                   middle = -range + (cell + 0.5) * width;
      mass += density;
      made.error += density * (x - middle) * (x - middle);
      made.power += density * middle * middle;
    }
  }
  return {made.error / mass, made.power / mass};
}

}  // namespace

void add_nakagami(ChannelKinds& kinds) {
  const Field m = fields::number("m", 1, 0.5, 1000,
                                 "shape: 0.5 fades most, 1 is Rayleigh, large m hardly fades");
  kinds.add({.name = "nakagami",
             .summary = "complex gain whose power is Gamma(m, 1/m), of mean 1, phase uniform, then "
                        "white Gaussian noise",
             .fields = fields::joined({m}, coherence_fields()),
             .read =
                 [](const Json& parameters, ChannelSettings& channel) {
                   channel.fading.gains =
                       std::make_shared<const Nakagami>(parameters.at("m").get<double>());
                   channel.made_with(part_nakagami);
                   read_coherence(parameters, channel.fading);
                 },
             .chain = ChainPlace::fading});
}

}  // namespace semwave
