// How the receiver undoes the channel: x = g conj(h) y, with a real factor g for each symbol.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace semwave {

/// The factors of an equaliser of one's own. Immutable: several threads ask at once.
class EqualiserLaw {
 public:
  virtual ~EqualiserLaw() = default;

  /// For each symbol, from its gain h and its noise variance N0 (each may be 0): the factor g, and
  /// the variance of the error that g conj(h) y is left with. Every number that is given back is
  /// finite, and depends on its own symbol alone. All spans have one length, a symbol an entry.
  virtual void weigh(std::span<const std::complex<float>> gains,
                     std::span<const float> noise_variance, std::span<float> factor,
                     std::span<float> variance) const = 0;
};

class Equaliser {
 public:
  /// y/h, error N0/|h|^2; and conj(h) y/(|h|^2 + N0), which is biased, error N0/(|h|^2 + N0).
  /// Every device has kernels of these two (signal_kernels.h).
  static const Equaliser zero_forcing, mmse;

  /// Any other, not null. Its factors are computed on the host, a batch of symbols at a time.
  explicit Equaliser(std::shared_ptr<const EqualiserLaw> law) : law_(std::move(law)) {}

  /// Null: one of the two with kernels.
  const EqualiserLaw* law() const { return law_.get(); }
  bool operator==(const Equaliser&) const = default;

 private:
  enum class Kernel : std::uint8_t { none, zero_forcing, mmse };
  constexpr explicit Equaliser(Kernel kernel) : kernel_(kernel) {}

  Kernel kernel_ = Kernel::none;
  std::shared_ptr<const EqualiserLaw> law_{};
};

inline constinit const Equaliser Equaliser::zero_forcing(Kernel::zero_forcing);
inline constinit const Equaliser Equaliser::mmse(Kernel::mmse);

}  // namespace semwave
