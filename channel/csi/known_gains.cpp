// Each kind of knowledge, and its error.
#include "channel/csi/known_gains.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/random/random.h"
#include "phy/digital/quantiser.h"

namespace semwave {

namespace {

/// Of one real dimension of a gain. Every image asks.
const QuantisedNormal& quantised_dimension(int bits) {
  static const auto all = [] {
    std::array<QuantisedNormal, largest_quantiser_bits + 1> made;
    for (int b = 1; b <= largest_quantiser_bits; ++b)
      made[static_cast<std::size_t>(b)] = quantised_normal(b, quantised_gain);
    return made;
  }();
  return all[static_cast<std::size_t>(bits)];
}

}  // namespace

std::complex<double> quantised(std::complex<double> gain, int bits) {
  return {quantise(gain.real(), -quantised_gain, quantised_gain, bits),
          quantise(gain.imag(), -quantised_gain, quantised_gain, bits)};
}

KnownGains::KnownGains(const Fading& fading, int image, const Csi& csi, const Draws& draws)
    : fading_(fading),
      csi_(csi),
      draws_(draws),
      image_(image),
      pilots_(fading.receiver_pilots_[static_cast<std::size_t>(image)]) {
  links_.reserve(static_cast<std::size_t>(fading.law.branches));
  for (int b = 0; b < fading.law.branches; ++b) links_.emplace_back(fading, image, b);
  if (pilots_ > 0) {
    const double variance = fading.known_noise(image) / pilots_;
    error_ = {variance,
              variance * variance / (1 + variance)};  // what is known, h + e, holds all of e
  } else {
    error_ = unestimated_error();
  }
}

KnownGains::ErrorPower KnownGains::unestimated_error() const {
  if (!fading_.fades()) return {};
  const bool traced = fading_.law.kind == FadingKind::trace;
  switch (csi_.kind) {
    case CsiKind::delayed: {
      if (traced) return {.variance = fading_.trace_error};
      const double apart = 1 - fading_.law.correlation(csi_.delay);
      return {2 * apart, apart * apart};  // h = correlation known + rest
    }
    case CsiKind::quantised: {
      if (csi_.bits > largest_quantiser_bits) {  // cells so fine that they leave width^2 / 12
        const double width = std::ldexp(2 * quantised_gain, -csi_.bits);
        return {.variance = width * width / 6};
      }
      const auto& [error, power] = quantised_dimension(csi_.bits);
      const double along = 0.5 - power - error;  // E[known* (h - known)] of both dimensions, by 2
                                                 // known h = h^2 + known^2 - (h - known)^2
      return {2 * error, along * along / (2 * power)};
    }
    case CsiKind::none:  // the gain taken for 1: a phase that may be any, or, of a real-valued
                         // gain, E(|h| - 1)^2
      return {.variance = traced                    ? fading_.trace_error
                          : fading_.law.real_valued ? 2 - std::sqrt(std::numbers::pi)
                                                    : 2};
    case CsiKind::perfect:
    case CsiKind::estimated:
      return {};
  }
  return {};
}

KnownGains::Gain KnownGains::at(std::int64_t index, int branch) const {
  const std::complex<double> h = is(index, branch);
  if (pilots_ > 0) {
    // The mean of n pilots heard through one gain is the gain plus CN(0, N0/n): drawn at once.
    const auto place = static_cast<std::uint32_t>(index * branches() + branch);
    return {h, h + std::sqrt(error_.variance) *
                       complex_normal(philox(draws_.seed, Purpose::pilot_noise,
                                             draws_.images[static_cast<std::size_t>(image_)],
                                             draws_.visit, place))};
  }
  if (!fading_.fades()) return {h, h};
  switch (csi_.kind) {
    case CsiKind::delayed:
      return {h, links_[static_cast<std::size_t>(branch)].at(index, csi_.delay)};
    case CsiKind::quantised:
      return {h, quantised(h, csi_.bits)};
    case CsiKind::none:
      return {h, {1.0, 0.0}};
    case CsiKind::perfect:
    case CsiKind::estimated:
      return {h, h};
  }
  return {h, h};
}

const KnownGains::Gain& CombinedGains::next(std::int64_t& uses) {
  const std::int64_t index = fading_.coherence_index(use_);
  if (use_ == 0 || index != index_) {
    gain_ = combined(index);
    index_ = index;
  }
  uses = std::min(uses, fading_.coherence_left(use_));
  use_ += uses;
  power_ += static_cast<double>(uses) * std::norm(gain_.is);
  return gain_;
}

KnownGains::Gain CombinedGains::combined(std::int64_t index) const {
  if (branches_.branches() == 1) return branches_.at(index, 0);
  std::complex<double> product;
  double power = 0;
  for (int b = 0; b < branches_.branches(); ++b) {
    const KnownGains::Gain gain = branches_.at(index, b);
    product += std::conj(gain.known) * gain.is;
    power += std::norm(gain.known);
  }
  const double length = std::sqrt(power);
  return {length > 0 ? product / length : 0, length};
}

}  // namespace semwave
