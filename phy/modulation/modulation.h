// Constellations. Gray-mapped BPSK, QPSK (4-QAM), 16-, 64- and 256-QAM of 3GPP TS 38.211, clause
// 5.1, whose even bits of a symbol go to I, odd ones to Q (BPSK lies on the diagonal); and any
// other labelled set of points (constellation.h). Mean power 1 per complex symbol.
//
// Soft bits are likelihood ratios, log P(bit = 0) - log P(bit = 1): positive means 0; max-log
// unless a name says exact.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/config/registry.h"
#include "phy/burst/burst.h"
#include "phy/modulation/constellation.h"

namespace semwave {

/// Which constellation; two are equal where they put the same symbols on air for the same bits.
class Modulation {
 public:
  static const Modulation bpsk, qpsk, qam16, qam64, qam256;

  /// Any other, not null. It is kept until the program ends; one of the same name and points is the
  /// one that came first. Any thread.
  static Modulation of(std::shared_ptr<const Constellation> points);

  int bits() const { return bits_; }  // of a symbol
  /// Whether it is one of TS 38.211.
  bool gray() const { return outside_ == nullptr; }
  const Constellation& points() const;
  bool operator==(const Modulation&) const = default;

 private:
  constexpr explicit Modulation(int bits, const Constellation* outside = nullptr)
      : bits_(bits), outside_(outside) {}

  int bits_;
  const Constellation* outside_;
};

inline constexpr Modulation Modulation::bpsk(1), Modulation::qpsk(2), Modulation::qam16(4),
    Modulation::qam64(6), Modulation::qam256(8);

/// bpsk, qpsk, 4-qam, 16-qam, 64-qam, 256-qam, and what else is added before the first scenario is
/// read.
Registry<Modulation>& modulations();

inline int bits_per_symbol(Modulation modulation) {
  return modulation.bits();
}
/// The one of TS 38.211 that carries 1, 2, 4, 6 or 8 bits a symbol; any other number is a bug.
Modulation modulation_of(int bits);
std::string modulation_name(Modulation modulation);  // "QPSK", "16-QAM"

/// `bits` must fill whole symbols.
Symbols modulate(Modulation modulation, std::span<const std::uint8_t> bits);

/// Soft bits of y = h x + n, n ~ CN(0, noise_variance): the symbol is judged after y/h with the
/// variance N0/|h|^2. `gains` has one h a symbol; a gain of zero gives soft bits of zero.
/// noise_variance > 0. `soft` [symbols x bits_per_symbol]. Of TS 38.211 alone.
void demodulate(Modulation modulation, std::span<const std::complex<float>> y,
                std::span<const std::complex<float>> gains, double noise_variance,
                std::span<float> soft);

/// Soft bits of symbols that an equaliser has left as z = x + CN(0, noise_variance): the same
/// numbers as demodulate() with gains of 1 to rounding; of TS 38.211 from the closed form of each
/// bit (piecewise linear in |z|), many symbols at once. `soft` [symbols x bits_per_symbol].
void demap(Modulation modulation, std::span<const std::complex<float>> z, double noise_variance,
           std::span<float> soft);
/// The same with a noise variance for each symbol; an infinite one gives soft bits of zero.
void demap(Modulation modulation, std::span<const std::complex<float>> z,
           std::span<const float> noise_variance, std::span<float> soft);
/// Exact likelihood ratios, the sums over the constellation in double. For bits that one dimension
/// carries alone (BPSK, QPSK) max-log is exact.
void demap_exact(Modulation modulation, std::span<const std::complex<float>> z,
                 std::span<const float> noise_variance, std::span<float> soft);

/// 1 where the soft bit is negative.
Bits hard_decisions(std::span<const float> soft);

}  // namespace semwave
