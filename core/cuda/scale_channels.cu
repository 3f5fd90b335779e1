// Each channel of each picture times a number.
#include "core/cuda/backend.h"
#include "core/cuda/sums.h"

namespace semwave::cuda {

void CudaBackend::scale_channels(const Tensor& y, const Tensor& x, const Tensor& scale) {
  const std::int64_t channels = scale.columns(), images = scale.rows();
  if (images == 0) return;
  const std::int64_t size = x.size() / images;  // of an image
  assert(y.size() == x.size() && x.size() % (images * channels) == 0);
  float* to = y.data();
  const float *from = x.data(), *factor = scale.data();
  for_each("scale_channels", *stream_, x.size(), [=] __device__(std::int64_t i) {
    to[i] = from[i] * factor[i / size * channels + i % channels];
  });
}

void CudaBackend::scale_channels_backward(const Tensor& dx, const Tensor& dscale, const Tensor& dy,
                                          const Tensor& x, const Tensor& scale) {
  const std::int64_t channels = scale.columns(), images = scale.rows();
  if (images == 0) return;
  const std::int64_t size = x.size() / images, rows = size / channels;
  assert(dy.size() == x.size() && x.size() % (images * channels) == 0);
  const float *d = dy.data(), *from = x.data(), *factor = scale.data();
  if (dx.defined()) {
    float* to = dx.data();
    for_each("scale_channels_backward", *stream_, x.size(), [=] __device__(std::int64_t i) {
      to[i] = fmaf(d[i], factor[i / size * channels + i % channels], to[i]);
    });
  }
  if (!dscale.defined() || rows == 0) return;
  const std::int64_t sums_of = images * channels;
  const Parts parts = parts_of(rows, blocks_of(sums_of, 256));
  const Scratch<float> sums(stream_, parts.count * sums_of);
  float* part = sums.data();
  for_each("channel gradient", *stream_, parts.count * sums_of, [=] __device__(std::int64_t i) {
    const std::int64_t image = i % sums_of / channels, channel = i % channels,
                       begin = i / sums_of * parts.rows,
                       end = begin + parts.rows < rows ? begin + parts.rows : rows;
    float sum = 0.0f;
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t at = image * size + row * channels + channel;
      sum = fmaf(d[at], from[at], sum);
    }
    part[i] = sum;
  });
  add_parts(dscale.data(), part, sums_of, parts.count, sums_of, *stream_);
}

}  // namespace semwave::cuda
