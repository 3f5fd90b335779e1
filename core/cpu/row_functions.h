// Functions of one row that several kernels share: dot product, scaled addition, softmax. Sums run
// in one fixed order.
#pragma once

#include <cstdint>

#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

inline float dot(const float* a, const float* b, std::int64_t size) {
  Vector sum{};
  for_vectors(size, [&](std::int64_t at, auto count) {
    sum += load_count(a + at, count) * load_count(b + at, count);
  });
  return sum_of(sum);
}

inline void copy_row(float* to, const float* from, std::int64_t size) {
  for_vectors(size, [&](std::int64_t at, auto count) {
    store_count(to + at, load_count(from + at, count), count);
  });
}

/// y += scale x
inline void add_scaled(float* y, const float* x, float scale, std::int64_t size) {
  for_vectors(size, [&](std::int64_t at, auto count) {
    store_count(y + at, load_count(y + at, count) + scale * load_count(x + at, count), count);
  });
}

/// y = softmax(scale x) for `rows` rows side by side, y may be x. `log_sum` (if not null) receives
/// log sum exp(scale x) of each. Side by side because one row alone waits for its own sums; each
/// row's arithmetic is that of a row alone.
template <int rows>
inline void softmax_rows(float* y, const float* x, std::int64_t stride, std::int64_t size,
                         float scale, float* log_sum) {
  const Vector lowest = broadcast(-__builtin_inff());
  Vector highest[rows], sum[rows];
  float peak[rows], inverse[rows];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) highest[r] = lowest, sum[r] = Vector{};
  for_vectors(size, [&](std::int64_t at, auto count) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
      highest[r] = maximum(load_count(x + r * stride + at, count, lowest), highest[r]);
  });
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) peak[r] = maximum_of(highest[r]);
  for_vectors(size, [&](std::int64_t at, auto count) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const Vector e = exp((load_count(x + r * stride + at, count, lowest) - peak[r]) * scale);
      store_count(y + r * stride + at, e, count);
      sum[r] += e;
    }
  });
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) {
    const float total = sum_of(sum[r]);
    inverse[r] = 1.0f / total;
    if (log_sum) log_sum[r] = peak[r] * scale + __builtin_logf(total);
  }
  for_vectors(size, [&](std::int64_t at, auto count) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
      store_count(y + r * stride + at, load_count(y + r * stride + at, count) * inverse[r], count);
  });
}

/// softmax_rows for any number of rows at distance `stride`. A NaN in a row makes that whole row
/// NaN.
inline void softmax(float* y, const float* x, std::int64_t rows, std::int64_t stride,
                    std::int64_t size, float scale, float* log_sum = nullptr) {
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4)
    softmax_rows<4>(y + row * stride, x + row * stride, stride, size, scale,
                    log_sum ? log_sum + row : nullptr);
  for (; row < rows; ++row)
    softmax_rows<1>(y + row * stride, x + row * stride, stride, size, scale,
                    log_sum ? log_sum + row : nullptr);
}

/// dx += softmax's derivative: y (dy - <y, dy>), times scale.
inline void softmax_backward(float* dx, const float* dy, const float* y, std::int64_t size,
                             float scale) {
  const float mean = dot(y, dy, size);
  for_vectors(size, [&](std::int64_t at, auto count) {
    const Vector d = load_count(y + at, count) * (load_count(dy + at, count) - mean) * scale;
    store_count(dx + at, load_count(dx + at, count) + d, count);
  });
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
