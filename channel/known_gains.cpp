// Each kind of knowledge, and its error.
#include "channel/known_gains.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/random.h"

namespace semwave {

/// Cell by cell the integral of (x - middle)^2 under N(0, 1/2). Fine cells leave width^2 / 12.
double quantised_error(int bits) {
  const double cells = std::exp2(bits), width = 2 * quantised_gain / cells;
  if (bits > 8) return width * width / 12;
  const auto below = [](double x) { return 0.5 * std::erfc(-x); };                                            // P(X < x)
  const auto density = [](double x) { return std::exp(-x * x) / std::sqrt(std::numbers::pi); };
  double sum = 0;
  for (int c = 0; c < static_cast<int>(cells); ++c) {
    const double a = c == 0 ? -10 : -quantised_gain + c * width, b = c + 1 == static_cast<int>(cells) ? 10 : -quantised_gain + (c + 1) * width, m = -quantised_gain + (c + 0.5) * width;
    const double mass = below(b) - below(a), first = (density(a) - density(b)) / 2, second = mass / 2 + (a * density(a) - b * density(b)) / 2;
    sum += second - 2 * m * first + m * m * mass;
  }
  return sum;
}

std::complex<double> quantised(std::complex<double> gain, int bits) {
  return {quantise(gain.real(), -quantised_gain, quantised_gain, bits), quantise(gain.imag(), -quantised_gain, quantised_gain, bits)};
}

KnownGains::KnownGains(const Fading& fading, int image, const Csi& csi, const Draws& draws)
    : fading_(fading), csi_(csi), draws_(draws), image_(image), pilots_(fading.receiver_pilots_[static_cast<std::size_t>(image)]) {
  links_.reserve(static_cast<std::size_t>(fading.law.branches));
  for (int b = 0; b < fading.law.branches; ++b) links_.emplace_back(fading, image, b);
  error_variance_ = pilots_ > 0 ? fading.known_noise(image) / pilots_ : unestimated_error();
}

double KnownGains::unestimated_error() const {
  if (!fading_.fades()) return 0;
  const bool traced = fading_.law.kind == FadingKind::trace;
  switch (csi_.kind) {
    case CsiKind::delayed:
      return traced ? fading_.trace_error : 2 * (1 - fading_.law.correlation(csi_.delay));
    case CsiKind::quantised:
      return 2 * quantised_error(csi_.bits);
    case CsiKind::none:  // the gain taken for 1: a phase that may be any, or, of a real-valued gain, E(|h| - 1)^2
      return traced ? fading_.trace_error : fading_.law.real_valued ? 2 - std::sqrt(std::numbers::pi) : 2;
    case CsiKind::perfect:
    case CsiKind::estimated:
      return 0;
  }
  return 0;
}

KnownGains::Gain KnownGains::at(std::int64_t index, int branch) const {
  const std::complex<double> h = is(index, branch);
  if (pilots_ > 0) {
    // The mean of n pilots heard through one gain is the gain plus CN(0, N0/n): drawn at once.
    const auto place = static_cast<std::uint32_t>(index * branches() + branch);
    return {h, h + std::sqrt(error_variance_) * complex_normal(philox(draws_.seed, Purpose::pilot_noise, draws_.images[static_cast<std::size_t>(image_)], draws_.visit, place))};
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

double CombinedGains::error_variance() const {
  // h = known - e, and e leans on what is known: of an estimate h + e, e is known s/(1 + s) and a rest of variance s/(1 + s), s = E|e|^2. What combining
  // leaves of it is E|known^H e|^2 / |known|^2 = s (1 + L s)/(1 + s), s itself for one branch.
  const double s = branches_.error_variance();
  return branches_.branches() == 1 ? s : s * (1 + branches_.branches() * s) / (1 + s);
}

}  // namespace semwave
