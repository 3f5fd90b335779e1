// Constellations of TS 38.211 and the max-log soft bits of faded symbols, dimension by dimension.
// Soft bits after an equaliser stand in demapping.cpp.
#include "phy/modulation/modulation.h"

#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace semwave {
namespace {

/// Amplitude of one dimension before scaling: (1 - 2 b0) (2^len - pam(rest)); one bit gives +-1,
/// two +-1, +-3, three up to +-7, four up to +-15.
template <typename BitAt>
int amplitude(int bits, BitAt bit_at) {
  int level = 1 - 2 * bit_at(bits - 1);
  for (int i = bits - 2; i >= 0; --i) level = (1 - 2 * bit_at(i)) * ((1 << (bits - 1 - i)) - level);
  return level;
}

/// Scale that makes the mean power of the complex symbol 1.
double scale_of(int bits_per_dimension) {
  switch (bits_per_dimension) {
    case 1:
      return 1 / std::sqrt(2.0);
    case 2:
      return 1 / std::sqrt(10.0);
    case 3:
      return 1 / std::sqrt(42.0);
    default:
      return 1 / std::sqrt(170.0);
  }
}

/// Scaled amplitudes of one dimension by their label, first bit highest.
struct Levels {
  explicit Levels(int bits_per_dimension)
      : bits(bits_per_dimension), count(1 << bits_per_dimension) {
    for (int label = 0; label < count; ++label)
      value[static_cast<std::size_t>(label)] = static_cast<float>(
          scale_of(bits) * amplitude(bits, [&](int i) { return (label >> (bits - 1 - i)) & 1; }));
  }
  int bits, count;
  std::array<float, 16> value{};
};

const Levels& levels_of(Modulation modulation) {
  static const Levels one(1), two(2), three(3), four(4);
  return modulation == Modulation::qam256  ? four
         : modulation == Modulation::qam64 ? three
         : modulation == Modulation::qam16 ? two
                                           : one;
}

/// Soft bits of one dimension at offset `z`, in units of 1/(noise variance after equalisation);
/// stride 2 interleaves I and Q.
void soft_dimension(const Levels& levels, float z, float reliability, float* soft) {
  std::array<float, 8> nearest;
  nearest.fill(std::numeric_limits<float>::max());
  for (int label = 0; label < levels.count; ++label) {
    const float d = z - levels.value[static_cast<std::size_t>(label)];
    const float squared = d * d;
    for (int i = 0; i < levels.bits; ++i) {
      float& best =
          nearest[static_cast<std::size_t>(2 * i + ((label >> (levels.bits - 1 - i)) & 1))];
      best = squared < best ? squared : best;
    }
  }
  for (int i = 0; i < levels.bits; ++i)
    soft[2 * i] =
        (nearest[static_cast<std::size_t>(2 * i + 1)] - nearest[static_cast<std::size_t>(2 * i)]) *
        reliability;
}

}  // namespace

int bits_per_symbol(Modulation modulation) {
  switch (modulation) {
    case Modulation::bpsk:
      return 1;
    case Modulation::qpsk:
      return 2;
    case Modulation::qam16:
      return 4;
    case Modulation::qam64:
      return 6;
    case Modulation::qam256:
      return 8;
  }
  assert(false);
  return 0;
}

Modulation modulation_of(int bits) {
  assert(bits == 1 || bits == 2 || bits == 4 || bits == 6 || bits == 8);
  switch (bits) {
    case 1:
      return Modulation::bpsk;
    case 2:
      return Modulation::qpsk;
    case 4:
      return Modulation::qam16;
    case 6:
      return Modulation::qam64;
    default:
      return Modulation::qam256;
  }
}

std::string modulation_name(Modulation modulation) {
  switch (modulation) {
    case Modulation::bpsk:
      return "BPSK";
    case Modulation::qpsk:
      return "QPSK";
    case Modulation::qam16:
      return "16-QAM";
    case Modulation::qam64:
      return "64-QAM";
    case Modulation::qam256:
      return "256-QAM";
  }
  assert(false);
  return {};
}

Symbols modulate(Modulation modulation, std::span<const std::uint8_t> bits) {
  const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
  assert(bits.size() % width == 0);
  const Levels& levels = levels_of(modulation);
  Symbols symbols(bits.size() / width);
  for (std::size_t s = 0; s < symbols.size(); ++s) {
    const std::uint8_t* b = bits.data() + s * width;
    if (modulation == Modulation::bpsk) {
      symbols[s] = {levels.value[b[0]], levels.value[b[0]]};
      continue;
    }
    std::size_t i = 0, q = 0;
    for (std::size_t j = 0; j < width; j += 2) {
      i = 2 * i + b[j];
      q = 2 * q + b[j + 1];
    }
    symbols[s] = {levels.value[i], levels.value[q]};
  }
  return symbols;
}

void demodulate(Modulation modulation, std::span<const std::complex<float>> y,
                std::span<const std::complex<float>> gains, double noise_variance,
                std::span<float> soft) {
  const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
  assert(gains.size() == y.size() && soft.size() == y.size() * width && noise_variance > 0);
  const Levels& levels = levels_of(modulation);
  const float inverse_noise = static_cast<float>(1 / noise_variance);
  const float amplitude_one = levels.value[0];
  for (std::size_t s = 0; s < y.size(); ++s) {
    // By hand: std::complex products test for NaN on every call.
    const float hr = gains[s].real(), hi = gains[s].imag();
    const float matched_i = hr * y[s].real() + hi * y[s].imag();  // conj(h) y
    const float matched_q = hr * y[s].imag() - hi * y[s].real();
    float* out = soft.data() + s * width;
    if (modulation == Modulation::bpsk) {
      out[0] = 4 * amplitude_one * (matched_i + matched_q) * inverse_noise;
    } else if (modulation == Modulation::qpsk) {
      out[0] = 4 * amplitude_one * matched_i * inverse_noise;
      out[1] = 4 * amplitude_one * matched_q * inverse_noise;
    } else {
      const float power = hr * hr + hi * hi;
      const float inverse_power = power > 0 ? 1 / power : 0;
      soft_dimension(levels, matched_i * inverse_power, power * inverse_noise, out);
      soft_dimension(levels, matched_q * inverse_power, power * inverse_noise, out + 1);
    }
  }
}

Bits hard_decisions(std::span<const float> soft) {
  Bits bits(soft.size());
  for (std::size_t i = 0; i < soft.size(); ++i) bits[i] = soft[i] < 0 ? 1 : 0;
  return bits;
}

}  // namespace semwave
