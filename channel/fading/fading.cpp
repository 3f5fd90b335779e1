// Which gain a use meets; the scatter: independent draws, or a sum of sinusoids where gains follow
// each other.
#include "channel/fading/fading.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

namespace semwave {

double FadingLaw::correlation(double n) const {
  if (!gains || n == 0) return 1;
  const double scatter =
      doppler ? std::cyl_bessel_j(0, std::abs(2 * std::numbers::pi * *doppler * n)) : 0;
  return gains->correlation(n, scatter);
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

LinkDraws::LinkDraws(const Fading& fading, int image, int branch)
    : fading_(fading),
      link_(fading.links[static_cast<std::size_t>(image)]),
      branch_(static_cast<std::uint32_t>(branch)) {
  const FadingLaw& law = fading.law;
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

RandomWords LinkDraws::words(std::int64_t interval, int slots_before, std::uint32_t round) const {
  // Keys of rounds lie far apart: users' seeds are small numbers.
  constexpr std::uint64_t apart = 0x9E3779B97F4A7C15;
  return philox(fading_.seed + round * apart, Purpose::fading, link_,
                fading_.slot - static_cast<std::uint32_t>(slots_before),
                static_cast<std::uint32_t>(interval * fading_.law.branches) + branch_);
}

std::complex<double> LinkDraws::wave_sum(double n) const {
  std::complex<double> sum;
  for (std::size_t i = 0; i < waves; ++i) {
    const double angle = rate_[i] * n + phase_[i];
    sum += std::complex<double>(std::cos(angle), std::sin(angle));
  }
  return sum / std::sqrt(static_cast<double>(waves));
}

void LinkDraws::scatter(std::int64_t first, int slots_before,
                        std::span<std::complex<double>> out) const {
  const FadingLaw& law = fading_.law;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t interval = first + static_cast<std::int64_t>(i);
    if (!law.doppler)
      out[i] = complex_normal(words(interval, slots_before));
    else if (law.coherence == Coherence::image)
      out[i] = wave_sum(static_cast<double>(fading_.slot) - slots_before);
    else
      out[i] = wave_sum(static_cast<double>(interval));
  }
}

std::complex<double> LinkGains::at(std::int64_t interval, int slots_before) {
  assert(interval >= 0 && (slots_before == 0 || fading_.law.coherence == Coherence::image));
  if (!fading_.fades()) return {1.0, 0.0};

  if (slots_before != 0) {
    std::complex<double> gain;
    fading_.law.gains->draw(draws_, interval, slots_before, {&gain, 1});
    return gain;
  }

  if (interval < first_ || interval >= first_ + count_) {
    first_ = interval;
    count_ = std::clamp<std::int64_t>(intervals_ - interval, 1, most_ahead);
    fading_.law.gains->draw(draws_, first_, 0,
                            std::span(ahead_).first(static_cast<std::size_t>(count_)));
  }
  return ahead_[static_cast<std::size_t>(interval - first_)];
}

}  // namespace semwave
