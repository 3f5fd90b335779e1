// Each kind of knowledge, and its error.
#include "channel/csi/known_gains.h"

#include <algorithm>
#include <cmath>

#include "core/random/random.h"
#include "phy/digital/quantiser.h"

namespace semwave {

std::complex<double> quantised(std::complex<double> gain, int bits) {
  return {quantise(gain.real(), -quantised_gain, quantised_gain, bits),
          quantise(gain.imag(), -quantised_gain, quantised_gain, bits)};
}

GainError unestimated_error(const FadingLaw& law, const Csi& receiver) {
  if (!law.gains) return {};
  switch (receiver.kind) {
    case CsiKind::delayed: {
      const double late = law.gains->late_error(receiver.delay, law.correlation(receiver.delay));
      const double apart = late / 2;  // h = correlation known + rest
      return {late, apart * apart};
    }
    case CsiKind::quantised: {
      if (receiver.bits > largest_quantiser_bits) {  // cells so fine that they leave width^2 / 12
        const double width = std::ldexp(2 * quantised_gain, -receiver.bits);
        return {.variance = width * width / 6};
      }
      const auto [error, power] = law.gains->quantised(receiver.bits, quantised_gain);
      const double along = 0.5 - power - error;  // E[known* (h - known)] of both dimensions, by 2
                                                 // known h = h^2 + known^2 - (h - known)^2
      return {2 * error, along * along / (2 * power)};
    }
    case CsiKind::none:
      return {.variance = law.gains->unknown_error()};
    case CsiKind::perfect:
    case CsiKind::estimated:
      return {};
  }
  return {};
}

KnownGains::KnownGains(const Fading& fading, int image, const Csi& csi, const Draws& draws,
                       std::int64_t intervals)
    : fading_(fading),
      csi_(csi),
      draws_(draws),
      image_(image),
      pilots_(fading.receiver_pilots[static_cast<std::size_t>(image)]) {
  links_.reserve(static_cast<std::size_t>(fading.law.branches));
  for (int b = 0; b < fading.law.branches; ++b) links_.emplace_back(fading, image, b, intervals);
  if (pilots_ > 0) {
    const double variance = fading.known_noise(image) / pilots_;
    error_ = {variance,
              variance * variance / (1 + variance)};  // what is known, h + e, holds all of e
  } else if (fading.fades()) {
    error_ = fading.unestimated;
  }
}

KnownGains::Gain KnownGains::at(std::int64_t index, int branch) {
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

KnownGains::Gain CombinedGains::combined(std::int64_t index) {
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
