#include "channel/impairment/disturbance.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/cpu/complex_normals.h"

namespace semwave {

namespace {

/// Place of what is drawn once per image.
constexpr std::uint32_t once = 0xffffffffu;

}  // namespace

Disturbance::Disturbance(const Impulses& impulses, const Interference& interference,
                         double noise_variance, const Draws& draws, int image)
    : impulses_(impulses),
      interference_(interference),
      draws_(draws),
      image_(draws.images[static_cast<std::size_t>(image)]),
      deviation_(std::sqrt(noise_variance)) {
  quiet_ = 1 / std::sqrt(1 + impulses.probability * impulses.power_ratio);
  loud_ = quiet_ * std::sqrt(1 + impulses.power_ratio);
  if (interference.kind == InterferenceKind::none) return;
  amplitude_ = std::sqrt(interference.power);
  if (interference.kind == InterferenceKind::qpsk)
    phase_ = 2 * std::numbers::pi *
             uniform(philox(draws.seed, Purpose::interference, image_, draws.visit, once)[0]);
}

void Disturbance::white(std::span<const std::int32_t> places,
                        std::span<std::complex<float>> noise) const {
  std::fill(noise.begin(), noise.end(), std::complex<float>());
  if (deviation_ > 0)
    add_complex_normals(noise, noise, places, draws_.seed, Purpose::noise, image_, draws_.visit,
                        static_cast<float>(deviation_));
}

std::complex<double> Disturbance::adjust(std::complex<double> white, std::int64_t use) const {
  const auto place = static_cast<std::uint32_t>(use);
  if (impulses_.probability > 0)
    white *= uniform(philox(draws_.seed, Purpose::impulse, image_, draws_.visit, place)[0]) <
                     impulses_.probability
                 ? loud_
                 : quiet_;
  if (interference_.kind == InterferenceKind::none) return white;
  const RandomWords words = philox(draws_.seed, Purpose::interference, image_, draws_.visit, place);
  if (interference_.kind == InterferenceKind::gaussian)
    return white + amplitude_ * complex_normal(words);
  return white + std::polar(amplitude_, phase_ + std::numbers::pi / 2 * (words[0] >> 30));
}

std::complex<double> PhaseWalk::next() {
  // sqrt(2) x the real part of CN(0, 1) is N(0, 1).
  if (use_ > 0)
    theta_ +=
        deviation_ * std::numbers::sqrt2 *
        complex_normal(philox(draws_.seed, Purpose::phase_step, image_, draws_.visit, use_)).real();
  ++use_;
  return std::polar(1.0, theta_);
}

}  // namespace semwave
