// Independent draws, or a sum of sinusoids where gains follow each other.
#include "channel/fading/fading.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/random/random.h"

namespace semwave {

double FadingLaw::correlation(double n) const {
  if (kind == FadingKind::none || n == 0) return 1;
  const double scatter =
      doppler ? std::cyl_bessel_j(0, std::abs(2 * std::numbers::pi * *doppler * n)) : 0;
  assert(kind != FadingKind::trace);
  return kind == FadingKind::rician ? (k_factor + scatter) / (k_factor + 1) : scatter;
}

std::int64_t Fading::coherence_index(std::int64_t use) const {
  switch (law.coherence) {
    case Coherence::symbol:
      return use;
    case Coherence::block:
      assert(law.block >= 1);
      return use / law.block;
    case Coherence::image:
      return 0;
  }
  assert(false);
  return 0;
}

std::int64_t Fading::coherence_left(std::int64_t use) const {
  if (law.coherence == Coherence::image || !fades())
    return std::numeric_limits<std::int64_t>::max();
  return law.coherence == Coherence::symbol ? 1 : law.block - use % law.block;
}

std::complex<double> Fading::gain(int image, std::int64_t use) const {
  return LinkGains(*this, image).at(coherence_index(use));
}

double Fading::noise_variance(int image) const {
  return noiseless ? 0.0 : std::pow(10.0, -(snr_db(image) + snr_offset_db) / 10);
}

LinkGains::LinkGains(const Fading& fading, int image, int branch)
    : fading_(fading),
      link_(fading.links_[static_cast<std::size_t>(image)]),
      branch_(static_cast<std::uint32_t>(branch)) {
  const FadingLaw& law = fading.law;
  if (law.kind == FadingKind::rician) {
    const double theta =
        2 * std::numbers::pi * uniform(philox(fading.seed, Purpose::line_of_sight, link_, 0, 0)[0]);
    line_of_sight_ = std::polar(std::sqrt(law.k_factor / (law.k_factor + 1)), theta);
    scatter_ = std::sqrt(1 / (law.k_factor + 1));
  }
  if (!fading.fades() || !law.doppler) return;
  // From slot to slot one process a link; within a burst each slot has its own.
  const std::uint32_t slot = law.coherence == Coherence::image ? 0 : fading.slot;
  for (int i = 0; i < waves; ++i) {
    const RandomWords words = philox(fading.seed, Purpose::fading, link_, slot,
                                     branch_ * waves + static_cast<std::uint32_t>(i));
    const double angle = 2 * std::numbers::pi * (i + uniform(words[0]) - 0.5) / waves;
    rate_[static_cast<std::size_t>(i)] = 2 * std::numbers::pi * *law.doppler * std::cos(angle);
    phase_[static_cast<std::size_t>(i)] = 2 * std::numbers::pi * uniform(words[1]);
  }
}

std::complex<double> LinkGains::at(std::int64_t coherence_index, int slots_before) const {
  const FadingLaw& law = fading_.law;
  assert(coherence_index >= 0 && (slots_before == 0 || law.coherence == Coherence::image));
  if (!fading_.fades()) return {1.0, 0.0};
  if (law.kind == FadingKind::trace)
    return fading_.trace->gain(link_, fading_.over_time, fading_.slot, slots_before);
  std::complex<double> scatter;
  if (law.doppler) {
    const double n = law.coherence == Coherence::image
                         ? static_cast<double>(fading_.slot) - slots_before
                         : static_cast<double>(coherence_index);
    for (std::size_t i = 0; i < waves; ++i) {
      const double angle = rate_[i] * n + phase_[i];
      scatter += std::complex<double>(std::cos(angle), std::sin(angle));
    }
    scatter /= std::sqrt(static_cast<double>(waves));
  } else {
    const std::uint32_t slot = fading_.slot - static_cast<std::uint32_t>(slots_before);
    scatter = complex_normal(
        philox(fading_.seed, Purpose::fading, link_, slot,
               static_cast<std::uint32_t>(coherence_index * law.branches) + branch_));
  }
  if (law.real_valued) return std::abs(scatter);
  return law.kind == FadingKind::rician ? line_of_sight_ + scatter_ * scatter : scatter;
}

}  // namespace semwave
