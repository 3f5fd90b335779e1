// What is added to a signal at the receiver and what turns its phase: white noise, impulses,
// interference, a phase that wanders.
#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "core/base/pooled_vector.h"
#include "core/random/random.h"
#include "core/tensor/pass.h"

namespace semwave {

/// Bernoulli-Gaussian noise: now and then a use has `power_ratio` times more noise than the others
/// have, on top of theirs. Its mean power stays N0, so the others have N0 / (1 + probability
/// power_ratio).
struct Impulses {
  double probability = 0;
  double power_ratio = 0;  // linear
};

enum class InterferenceKind : std::uint8_t { none, gaussian, qpsk };

/// Another sender at this power, that of the signal being 1, on every use and every receive antenna
/// (each hears its own). QPSK arrives in step with the symbols, its phase drawn once per image. It
/// does not fade.
struct Interference {
  InterferenceKind kind = InterferenceKind::none;
  double power = 0;
  bool known = false;  // both ends count it as noise
};

/// y = ... + n for the uses of one image; draws belong to its id, so they do not know of shards.
class Disturbance {
 public:
  Disturbance(const Impulses& impulses, const Interference& interference, double noise_variance,
              const Draws& draws, int image);

  /// CN(0, N0) keyed by purpose and place; nothing without noise.
  std::complex<double> white(Purpose purpose, std::int64_t place) const {
    return deviation_ > 0
               ? deviation_ * complex_normal(philox(draws_.seed, purpose, image_, draws_.visit,
                                                    static_cast<std::uint32_t>(place)))
               : std::complex<double>{};
  }
  /// The same for each payload symbol of the image, keyed by its place in the grid: where an
  /// evaluation spends its time in the channel.
  void white(std::span<const std::int32_t> places,
             std::span<std::complex<float>> noise /*[places]*/) const;
  /// Whether adjust() does anything.
  bool more_than_white() const {
    return impulses_.probability > 0 || interference_.kind != InterferenceKind::none;
  }
  /// White noise of a use made what this receiver hears of it: impulses, interference.
  std::complex<double> adjust(std::complex<double> white, std::int64_t use) const;
  /// Noise and interference of one sample of one antenna, where uses are no symbols.
  std::complex<double> sample(std::int64_t place) const {
    return adjust(white(Purpose::sample_noise, place), place);
  }

 private:
  const Impulses& impulses_;
  const Interference& interference_;
  const Draws& draws_;
  std::uint32_t image_;
  double deviation_;
  double quiet_ = 1, loud_ = 1;       // amplitudes of noise without and with an impulse
  double amplitude_ = 0, phase_ = 0;  // of interference
};

/// A Wiener phase: 0 at the first use, then steps N(0, deviation^2) from use to use. An oscillator
/// of Lorentzian linewidth B turns by deviation^2 = 2 pi B T in a use of T seconds (Demir et al.
/// 2000).
class PhaseWalk {
 public:
  PhaseWalk(double deviation, const Draws& draws, int image)
      : deviation_(deviation),
        draws_(draws),
        image_(draws.images[static_cast<std::size_t>(image)]) {}
  /// exp(j theta) of the next use.
  std::complex<double> next();

 private:
  double deviation_;
  const Draws& draws_;
  std::uint32_t image_, use_ = 0;
  double theta_ = 0;
};

}  // namespace semwave
