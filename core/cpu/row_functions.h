// Functions of one row that several kernels share: dot product, scaled addition, softmax. Sums run in one fixed order.
#pragma once

#include <cstdint>

#include "core/cpu/vector.h"

namespace semwave::cpu {

inline float dot(const float* a, const float* b, std::int64_t size) {
  Vector sum{};
  for_vectors(size, [&](std::int64_t at, auto count) { sum += load_count(a + at, count) * load_count(b + at, count); });
  return sum_of(sum);
}

/// y += scale x
inline void add_scaled(float* y, const float* x, float scale, std::int64_t size) {
  for_vectors(size, [&](std::int64_t at, auto count) { store_count(y + at, load_count(y + at, count) + scale * load_count(x + at, count), count); });
}

/// y = softmax(scale x), y may be x. Returns log sum exp(scale x). A NaN in the row makes the whole row NaN.
inline float softmax(float* y, const float* x, std::int64_t size, float scale, bool want_logarithm = false) {
  const Vector lowest = broadcast(-__builtin_inff());
  Vector highest = lowest;
  for_vectors(size, [&](std::int64_t at, auto count) { highest = maximum(load_count(x + at, count, lowest), highest); });
  const float peak = maximum_of(highest);
  Vector sum{};
  for_vectors(size, [&](std::int64_t at, auto count) {
    const Vector e = exp((load_count(x + at, count, lowest) - peak) * scale);
    store_count(y + at, e, count);
    sum += e;
  });
  const float total = sum_of(sum);
  const float inverse = 1.0f / total;
  for_vectors(size, [&](std::int64_t at, auto count) { store_count(y + at, load_count(y + at, count) * inverse, count); });
  return want_logarithm ? peak * scale + __builtin_logf(total) : 0.0f;
}

/// dx += softmax's derivative: y (dy - <y, dy>), times scale.
inline void softmax_backward(float* dx, const float* dy, const float* y, std::int64_t size, float scale) {
  const float mean = dot(y, dy, size);
  for_vectors(size, [&](std::int64_t at, auto count) {
    const Vector d = load_count(y + at, count) * (load_count(dy + at, count) - mean) * scale;
    store_count(dx + at, load_count(dx + at, count) + d, count);
  });
}

}  // namespace semwave::cpu
