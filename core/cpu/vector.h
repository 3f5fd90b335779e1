// Short vectors of floats, as wide as the machine's registers, with the few functions the kernels
// need. Every remainder is worked on in a vector that is only partly filled, so that a number's
// bits do not depend on where it stands in a row.
//
// Stated errors (held by tests/core/ops/products_test.cpp against double): exp 2e-7 relative where
// the result is a normal number; gelu 3e-7 max(1, |x|) and its derivative 1e-6 absolute. NaN gives
// NaN.
#pragma once

// Whatever a kernel file includes is included here, before target.h.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "core/cpu/backend.h"
#include "core/cpu/memory.h"
#include "core/cpu/scratch.h"
#include "core/cpu/variant.h"
#include "core/tensor/ragged.h"

#include "core/cpu/target.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

#if SEMWAVE_SIMD == 512
inline constexpr int vector_width = 16;
#else
inline constexpr int vector_width = 8;
#endif

typedef float Vector __attribute__((vector_size(vector_width * sizeof(float))));
typedef std::int32_t IntVector __attribute__((vector_size(vector_width * sizeof(std::int32_t))));

constexpr std::int64_t round_up(std::int64_t n) {
  return (n + vector_width - 1) / vector_width * vector_width;
}

inline Vector broadcast(float x) {
  return x - Vector{};
}

inline Vector load(const float* from) {
  Vector x;
  // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): a tensor with rows has memory
  std::memcpy(&x, from, sizeof x);
  return x;
}

inline void store(float* to, Vector x) {
  std::memcpy(to, &x, sizeof x);
}

/// The first `count` (<= vector_width) floats; the other lanes are `fill`.
inline Vector load_partial(const float* from, std::int64_t count, Vector fill = Vector{}) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<Vector>(_mm512_mask_loadu_ps(
      reinterpret_cast<__m512>(fill), static_cast<__mmask16>((1u << count) - 1u), from));
#else
  std::memcpy(&fill, from, static_cast<std::size_t>(count) * sizeof(float));
  return fill;
#endif
}

inline void store_partial(float* to, Vector x, std::int64_t count) {
#if SEMWAVE_SIMD == 512
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1u),
                        reinterpret_cast<__m512>(x));
#else
  std::memcpy(to, &x, static_cast<std::size_t>(count) * sizeof(float));
#endif
}

/// Calls body(offset, count) for each vector of a row, the last one perhaps with a count below
/// vector_width.
template <class Body>
inline void for_vectors(std::int64_t size, Body&& body) {
  std::int64_t at = 0;
  for (; at + vector_width <= size; at += vector_width)
    body(at, std::integral_constant<int, vector_width>{});
  if (at < size) body(at, static_cast<int>(size - at));
}

inline Vector load_count(const float* from, std::integral_constant<int, vector_width>,
                         Vector = Vector{}) {
  return load(from);
}
inline Vector load_count(const float* from, int count, Vector fill = Vector{}) {
  return load_partial(from, count, fill);
}
inline void store_count(float* to, Vector x, std::integral_constant<int, vector_width>) {
  store(to, x);
}
inline void store_count(float* to, Vector x, int count) {
  store_partial(to, x, count);
}

/// a b + c, rounded once where the machine can (whatever the compiler's flags say about
/// contraction).
inline Vector multiply_add(Vector a, Vector b, Vector c) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<Vector>(_mm512_fmadd_ps(
      reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif SEMWAVE_SIMD == 256
  return reinterpret_cast<Vector>(_mm256_fmadd_ps(
      reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#else
  return a * b + c;
#endif
}

inline Vector maximum(Vector a, Vector b) {
  return a > b ? a : b;
}

namespace detail {
template <int step, int... lane>
inline Vector rotate(Vector x, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(x, x, ((lane + step) % vector_width)...);
}
template <int step>
inline Vector rotate(Vector x) {
  return rotate<step>(x, std::make_integer_sequence<int, vector_width>{});
}
}  // namespace detail

/// Sum of the lanes in one fixed order (a tree of halves).
inline float sum_of(Vector x) {
  if constexpr (vector_width == 16) x += detail::rotate<8 % vector_width>(x);
  x += detail::rotate<4>(x);
  x += detail::rotate<2>(x);
  x += detail::rotate<1>(x);
  return x[0];
}

inline float maximum_of(Vector x) {
  if constexpr (vector_width == 16) x = maximum(x, detail::rotate<8 % vector_width>(x));
  x = maximum(x, detail::rotate<4>(x));
  x = maximum(x, detail::rotate<2>(x));
  x = maximum(x, detail::rotate<1>(x));
  return x[0];
}

/// e^x: x = n ln 2 + r, a polynomial of degree 6 in r (interpolated at Chebyshev points), scaled by
/// 2^n.
inline Vector exp(Vector x) {
  // Beyond these the result is 0 or infinity anyway; a NaN passes both comparisons.
  x = x < -104.0f ? broadcast(-104.0f) : x;
  x = x > 89.0f ? broadcast(89.0f) : x;
  constexpr float round_magic = 0x1.8p23f;  // adding it leaves the nearest integer in the low bits
  const Vector shifted = x * 0x1.715476p+0f + round_magic;
  const Vector n = shifted - round_magic;
  Vector r = x - n * 0x1.62e4p-1f;  // ln 2 in two parts: the product with the first is exact
  r = r - n * 1.4286068e-6f;
  Vector p = broadcast(0.0013926927f);
  p = p * r + 0.008363774f;
  p = p * r + 0.04166655f;
  p = p * r + 0.16666573f;
  p = p * r + 0.5f;
  p = (p * r) * r + r + 1.0f;
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<Vector>(
      _mm512_maskz_scalef_ps(0xffff, reinterpret_cast<__m512>(p), reinterpret_cast<__m512>(n)));
#else
  const IntVector exponent = reinterpret_cast<IntVector>(shifted) - 0x4b400000;
  const IntVector half = exponent >> 1;  // in two steps: 2^n alone may be no float
  const Vector first = reinterpret_cast<Vector>((half + 127) << 23);
  const Vector second = reinterpret_cast<Vector>((exponent - half + 127) << 23);
  return p * first * second;
#endif
}

inline Vector sigmoid(Vector x) {
  return 1.0f / (1.0f + exp(-x));
}

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written with a sigmoid of twice the argument.
inline Vector gelu(Vector x) {
  const Vector u = x * (1.5957691f + 0.071354816f * (x * x));
  return x / (1.0f + exp(-u));
}

inline Vector gelu_derivative(Vector x) {
  const Vector square = x * x;
  const Vector u = x * (1.5957691f + 0.071354816f * square);
  const Vector e = exp(
      u < 0.0f ? u
               : -u);  // of -|u|: sigmoid'(u) = e / (1 + e)^2 without a difference of near numbers
  const Vector s = 1.0f / (1.0f + e);
  return (u < 0.0f ? e * s : s) + (x * (e * s * s)) * (1.5957691f + 0.21406445f * square);
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
