// Soft bits after an equaliser, compiled for each variant. With u = |amplitude| in half steps of
// the constellation, the max-log ratio of the highest bit of a dimension is the sum of 4 max(0, u -
// 2j) over the levels j beyond zero, with the sign of the amplitude; what is left for the next bit
// is the same question about 2^(bits - 1) - u.
#include "phy/modulation/demap_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "core/cpu/target.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

/// I and Q in turn, as many symbols as a register holds (8 with AVX-512).
constexpr int width = register_bytes / sizeof(float);
typedef float Vector __attribute__((vector_size(register_bytes)));
typedef std::uint32_t Word __attribute__((vector_size(register_bytes)));

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

constexpr double unscaled_power[] = {2, 10, 42, 170};  // by bits of a dimension

double half_step(int bits) {
  return 1 / std::sqrt(unscaled_power[bits - 1]);
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
#if SEMWAVE_SIMD == 512
      const Vector first = __builtin_shufflevector(soft[0], soft[1], 0, 1, 16, 17, 2, 3, 18, 19, 4,
                                                   5, 20, 21, 6, 7, 22, 23);
      const Vector second = __builtin_shufflevector(soft[0], soft[1], 8, 9, 24, 25, 10, 11, 26, 27,
                                                    12, 13, 28, 29, 14, 15, 30, 31);
#elif SEMWAVE_SIMD == 256
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

/// The vector of 1/variance from symbol `first` on, each twice.
struct Reliability {
  const float* variance;  // null: the same everywhere
  float everywhere;

  Vector operator()(std::size_t first, std::size_t symbols) const {
    if (variance == nullptr) return Vector{} + everywhere;
    Vector result = {};
    for (std::size_t i = 0; i < symbols; ++i)
      result[static_cast<int>(2 * i)] = result[static_cast<int>(2 * i + 1)] =
          1 / variance[first + i];
    return result;
  }
};

template <int bits>
void demap_square(const float* z, std::size_t count, Reliability reliability, float* soft) {
  const auto step = static_cast<float>(half_step(bits)), per_step = 1 / step;
  for (std::size_t s = 0; s < count; s += width / 2) {
    const std::size_t symbols = std::min<std::size_t>(width / 2, count - s);
    Vector amplitude = {};
    if (symbols == width / 2)
      std::memcpy(&amplitude, z + 2 * s, sizeof amplitude);
    else
      std::memcpy(&amplitude, z + 2 * s, symbols * 2 * sizeof(float));
    Vector out[bits];
    ratios<bits>(amplitude * per_step, out);
    const Vector scale = reliability(s, symbols) * (step * step);
    for (Vector& ratio : out) ratio *= scale;
    store<bits>(out, symbols, soft + 2 * bits * s);
  }
}

void demap_bpsk(const float* z, std::size_t count, Reliability reliability, float* soft) {
  const auto four_steps = static_cast<float>(4 * half_step(1));
  for (std::size_t s = 0; s < count; s += width / 2) {
    const std::size_t symbols = std::min<std::size_t>(width / 2, count - s);
    const Vector scale = reliability(s, symbols);
    for (std::size_t i = 0; i < symbols; ++i)
      soft[s + i] =
          four_steps * (z[2 * (s + i)] + z[2 * (s + i) + 1]) * scale[static_cast<int>(2 * i)];
  }
}

}  // namespace

void demap_gray(int bits_per_symbol, const float* z, std::size_t symbols, const float* variance,
                float reliability, float* soft) {
  const Reliability of{variance, reliability};
  switch (bits_per_symbol) {
    case 1:
      return demap_bpsk(z, symbols, of, soft);
    case 2:
      return demap_square<1>(z, symbols, of, soft);
    case 4:
      return demap_square<2>(z, symbols, of, soft);
    case 6:
      return demap_square<3>(z, symbols, of, soft);
    default:
      return demap_square<4>(z, symbols, of, soft);
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
