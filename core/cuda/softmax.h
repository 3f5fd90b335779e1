// Softmax of one row by one warp.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/cuda/launch.h"

namespace semwave::cuda {

/// y = softmax(x); returns log sum exp(x). A NaN in a row makes that whole row NaN. y may be x.
__device__ inline float softmax_row(float* y, const float* x, std::int64_t size, int lane) {
  float peak = -INFINITY, sum = 0.0f;
  for (std::int64_t c = lane; c < size; c += warp_size) peak = fmaxf(peak, x[c]);
  peak = warp_maximum(peak);
  for (std::int64_t c = lane; c < size; c += warp_size) {
    const float e = expf(x[c] - peak);
    y[c] = e;
    sum += e;
  }
  sum = warp_sum(sum);
  const float inverse = 1.0f / sum;
  for (std::int64_t c = lane; c < size; c += warp_size) y[c] *= inverse;
  return peak + logf(sum);
}

/// dx += y (dy - <y, dy>)
__device__ inline void softmax_backward_row(float* dx, const float* dy, const float* y,
                                            std::int64_t size, int lane) {
  float mean = 0.0f;
  for (std::int64_t c = lane; c < size; c += warp_size) mean = fmaf(y[c], dy[c], mean);
  mean = warp_sum(mean);
  for (std::int64_t c = lane; c < size; c += warp_size) dx[c] += y[c] * (dy[c] - mean);
}

}  // namespace semwave::cuda
