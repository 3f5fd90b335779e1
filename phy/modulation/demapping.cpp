// Soft bits after an equaliser. With u = |amplitude| in half steps of the constellation, the
// max-log ratio of the highest bit of a dimension is the sum of 4 max(0, u - 2j) over the levels j
// beyond zero, with the sign of the amplitude; what is left for the next bit is the same question
// about 2^(bits - 1) - u.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>

#include "phy/modulation/modulation.h"

namespace semwave {
namespace {

/// I and Q in turn, as many symbols as a register holds (8 with AVX-512). Results do not depend on
/// it.
#if defined(__AVX512F__)
constexpr int width = 16;
#elif defined(__AVX2__)
constexpr int width = 8;
#else
constexpr int width = 4;
#endif
typedef float Vector __attribute__((vector_size(width * sizeof(float))));
typedef std::uint32_t Word __attribute__((vector_size(width * sizeof(float))));

Vector magnitude(Vector a) {
  return (Vector)((Word)a & 0x7FFFFFFFu);
}
Vector with_sign_of(Vector a, Vector sign) {
  return (Vector)((Word)a | ((Word)sign & 0x80000000u));
}
Vector at_least_zero(Vector a) {
  return a > 0 ? a : Vector{};
}

/// Ratios of `bits` bits of each amplitude, in units of 1/(noise variance) x (half step)^2.
template <int bits>
void ratios(Vector amplitude, Vector (&soft)[bits]) {
  for (int b = 0; b < bits; ++b) {
    const Vector u = magnitude(amplitude);
    Vector sum = 4.0f * u;
    for (int j = 1; j < 1 << (bits - 1 - b); ++j)
      sum += 4.0f * at_least_zero(u - static_cast<float>(2 * j));
    soft[b] = with_sign_of(sum, amplitude);
    amplitude = static_cast<float>(1 << (bits - 1 - b)) - u;
  }
}

double half_step(int bits) {
  return bits == 1   ? 1 / std::sqrt(2.0)
         : bits == 2 ? 1 / std::sqrt(10.0)
         : bits == 3 ? 1 / std::sqrt(42.0)
                     : 1 / std::sqrt(170.0);
}

/// The pairs (I, Q) of each bit one after another for each symbol, as `symbols` <= width / 2 of
/// them are sent.
template <int bits>
void store(const Vector (&soft)[bits], std::size_t symbols, float* to) {
  if constexpr (bits == 1) {
    std::memcpy(to, &soft[0], symbols * 2 * sizeof(float));
    return;
  } else if constexpr (bits == 2) {
    if (symbols == width / 2) {
#if defined(__AVX512F__)
      const Vector first = __builtin_shufflevector(soft[0], soft[1], 0, 1, 16, 17, 2, 3, 18, 19, 4,
                                                   5, 20, 21, 6, 7, 22, 23);
      const Vector second = __builtin_shufflevector(soft[0], soft[1], 8, 9, 24, 25, 10, 11, 26, 27,
                                                    12, 13, 28, 29, 14, 15, 30, 31);
#elif defined(__AVX2__)
      const Vector first = __builtin_shufflevector(soft[0], soft[1], 0, 1, 8, 9, 2, 3, 10, 11);
      const Vector second = __builtin_shufflevector(soft[0], soft[1], 4, 5, 12, 13, 6, 7, 14, 15);
#else
      const Vector first = __builtin_shufflevector(soft[0], soft[1], 0, 1, 4, 5);
      const Vector second = __builtin_shufflevector(soft[0], soft[1], 2, 3, 6, 7);
#endif
      std::memcpy(to, &first, sizeof first);
      std::memcpy(to + width, &second, sizeof second);
      return;
    }
  }
  for (std::size_t s = 0; s < symbols; ++s)
    for (int b = 0; b < bits; ++b)
      std::memcpy(to + (s * bits + static_cast<std::size_t>(b)) * 2,
                  reinterpret_cast<const float*>(&soft[b]) + 2 * s, 2 * sizeof(float));
}

/// `reliability(s)` the vector of 1/variance from symbol s on, each twice.
template <int bits, class Reliability>
void demap_square(std::span<const std::complex<float>> z, Reliability reliability, float* soft) {
  const auto step = static_cast<float>(half_step(bits)), per_step = 1 / step;
  const auto* from = reinterpret_cast<const float*>(z.data());
  for (std::size_t s = 0; s < z.size(); s += width / 2) {
    const std::size_t symbols = std::min<std::size_t>(width / 2, z.size() - s);
    Vector amplitude = {};
    if (symbols == width / 2)
      std::memcpy(&amplitude, from + 2 * s, sizeof amplitude);
    else
      std::memcpy(&amplitude, from + 2 * s, symbols * sizeof z[0]);
    Vector out[bits];
    ratios<bits>(amplitude * per_step, out);
    const Vector scale = reliability(s, symbols) * (step * step);
    for (Vector& ratio : out) ratio *= scale;
    store<bits>(out, symbols, soft + 2 * bits * s);
  }
}

template <class Reliability>
void demap_any(Modulation modulation, std::span<const std::complex<float>> z,
               Reliability reliability, std::span<float> soft) {
  assert(soft.size() == z.size() * static_cast<std::size_t>(bits_per_symbol(modulation)));
  switch (modulation) {
    case Modulation::bpsk: {
      const auto four_steps = static_cast<float>(4 * half_step(1));
      for (std::size_t s = 0; s < z.size(); s += width / 2) {
        const std::size_t symbols = std::min<std::size_t>(width / 2, z.size() - s);
        const Vector scale = reliability(s, symbols);
        for (std::size_t i = 0; i < symbols; ++i)
          soft[s + i] =
              four_steps * (z[s + i].real() + z[s + i].imag()) * scale[static_cast<int>(2 * i)];
      }
      return;
    }
    case Modulation::qpsk:
      return demap_square<1>(z, reliability, soft.data());
    case Modulation::qam16:
      return demap_square<2>(z, reliability, soft.data());
    case Modulation::qam64:
      return demap_square<3>(z, reliability, soft.data());
    case Modulation::qam256:
      return demap_square<4>(z, reliability, soft.data());
  }
}

/// log of the sum over the levels of each value of bit i of exp(-(z - level)^2 / variance), its
/// difference between 0 and 1.
void exact_dimension(int bits, double z, double reliability, float* soft) {
  const double step = half_step(bits);
  std::array<double, 16> exponent;
  for (int label = 0; label < 1 << bits; ++label) {
    int level = 1 - 2 * (label & 1);
    for (int i = bits - 2; i >= 0; --i)
      level = (1 - 2 * ((label >> (bits - 1 - i)) & 1)) * ((1 << (bits - 1 - i)) - level);
    const double distance = z - step * level;
    exponent[static_cast<std::size_t>(label)] = -distance * distance * reliability;
  }
  for (int i = 0; i < bits; ++i) {
    double largest[2] = {-1e300, -1e300}, sum[2] = {0, 0};
    for (int label = 0; label < 1 << bits; ++label) {
      double& best = largest[(label >> (bits - 1 - i)) & 1];
      best = std::max(best, exponent[static_cast<std::size_t>(label)]);
    }
    for (int label = 0; label < 1 << bits; ++label) {
      const int value = (label >> (bits - 1 - i)) & 1;
      sum[value] += std::exp(exponent[static_cast<std::size_t>(label)] - largest[value]);
    }
    soft[2 * i] = static_cast<float>(largest[0] - largest[1] + std::log(sum[0]) - std::log(sum[1]));
  }
}

}  // namespace

void demap(Modulation modulation, std::span<const std::complex<float>> z, double noise_variance,
           std::span<float> soft) {
  assert(noise_variance > 0);
  const Vector reliability = Vector{} + static_cast<float>(1 / noise_variance);
  demap_any(
      modulation, z, [&](std::size_t, std::size_t) { return reliability; }, soft);
}

void demap(Modulation modulation, std::span<const std::complex<float>> z,
           std::span<const float> noise_variance, std::span<float> soft) {
  assert(noise_variance.size() == z.size());
  const auto reliability = [&](std::size_t s, std::size_t symbols) {
    Vector result = {};
    for (std::size_t i = 0; i < symbols; ++i)
      result[static_cast<int>(2 * i)] = result[static_cast<int>(2 * i + 1)] =
          1 / noise_variance[s + i];
    return result;
  };
  demap_any(modulation, z, reliability, soft);
}

void demap_exact(Modulation modulation, std::span<const std::complex<float>> z,
                 std::span<const float> noise_variance, std::span<float> soft) {
  if (modulation == Modulation::bpsk || modulation == Modulation::qpsk)
    return demap(modulation, z, noise_variance, soft);
  assert(noise_variance.size() == z.size() &&
         soft.size() == z.size() * static_cast<std::size_t>(bits_per_symbol(modulation)));
  const int bits = bits_per_symbol(modulation) / 2;
  for (std::size_t s = 0; s < z.size(); ++s) {
    float* to = soft.data() + s * static_cast<std::size_t>(2 * bits);
    exact_dimension(bits, z[s].real(), 1.0 / noise_variance[s], to);
    exact_dimension(bits, z[s].imag(), 1.0 / noise_variance[s], to + 1);
  }
}

}  // namespace semwave
