// A slope below zero, of each channel or one of all.
#include "core/cuda/backend.h"
#include "core/cuda/sums.h"

namespace semwave::cuda {

void CudaBackend::prelu(const Tensor& y, const Tensor& x, const Tensor& slope) {
  const std::int64_t slopes = slope.size();
  assert(y.size() == x.size() && (slopes == 1 || slopes == x.columns()));
  float* to = y.data();
  const float *from = x.data(), *below = slope.data();
  for_each("prelu", *stream_, x.size(), [=] __device__(std::int64_t i) {
    to[i] = from[i] > 0.0f ? from[i] : from[i] * below[i % slopes];
  });
}

void CudaBackend::prelu_backward(const Tensor& dx, const Tensor& dslope, const Tensor& dy,
                                 const Tensor& x, const Tensor& slope) {
  const std::int64_t slopes = slope.size(), rows = slopes == 0 ? 0 : x.size() / slopes;
  assert(dy.size() == x.size() && (slopes == 1 || slopes == x.columns()));
  const float *d = dy.data(), *from = x.data(), *below = slope.data();
  if (dx.defined()) {
    float* to = dx.data();
    for_each("prelu_backward", *stream_, x.size(), [=] __device__(std::int64_t i) {
      to[i] += from[i] > 0.0f ? d[i] : d[i] * below[i % slopes];
    });
  }
  if (!dslope.defined() || rows == 0) return;
  const Parts parts = parts_of(rows, blocks_of(slopes, 256));
  const Scratch<float> sums(stream_, parts.count * slopes);
  float* part = sums.data();
  for_each("slope gradient", *stream_, parts.count * slopes, [=] __device__(std::int64_t i) {
    const std::int64_t begin = i / slopes * parts.rows,
                       end = begin + parts.rows < rows ? begin + parts.rows : rows;
    float sum = 0.0f;
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t at = row * slopes + i % slopes;
      if (!(from[at] > 0.0f)) sum = fmaf(d[at], from[at], sum);
    }
    part[i] = sum;
  });
  add_parts(dslope.data(), part, slopes, parts.count, slopes, *stream_);
}

}  // namespace semwave::cuda
