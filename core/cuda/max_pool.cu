// The largest value of each window, channel by channel. Places outside the image take no part;
// equal values: the first.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {

void CudaBackend::max_pool(const Tensor& y, PooledVector<std::int32_t>& source, const Tensor& x,
                           Window window) {
  const std::int64_t height = x.shape()[1], width = x.shape()[2], channels = x.shape()[3];
  const std::int64_t out_height = window.out(static_cast<int>(height)),
                     out_width = window.out(static_cast<int>(width));
  assert(y.size() == x.shape()[0] * out_height * out_width * channels && x.size() <= INT32_MAX);
  const Scratch<std::int32_t> places(stream_, y.size());
  std::int32_t* place = places.data();
  float* to = y.data();
  const float* from = x.data();
  for_each(
      "max_pool", *stream_, y.size(), [=] __device__(std::int64_t i) {  // i = [image, oy, ox, c]
        const std::int64_t c = i % channels, row = i / channels,
                           image = row / (out_width * out_height);
        const std::int64_t x0 = row % out_width * window.stride - window.padding,
                           y0 = row / out_width % out_height * window.stride - window.padding;
        std::int64_t best = -1;
        for (std::int64_t iy = y0 < 0 ? 0 : y0; iy < y0 + window.kernel && iy < height; ++iy)
          for (std::int64_t ix = x0 < 0 ? 0 : x0; ix < x0 + window.kernel && ix < width; ++ix) {
            const std::int64_t at = ((image * height + iy) * width + ix) * channels + c;
            if (best < 0 || from[at] > from[best] || from[at] != from[at])
              best = at;  // NaN stays visible
          }
        to[i] = from[best];
        place[i] = static_cast<std::int32_t>(best);
      });
  source.resize(static_cast<std::size_t>(y.size()));
  copy_to_host(source.data(), place, source.size() * sizeof(std::int32_t), *stream_);
}

// Windows overlap, but never leave their image and channel: one thread for each of those adds in
// the order of the windows.
void CudaBackend::max_pool_backward(const Tensor& dx, const Tensor& dy,
                                    std::span<const std::int32_t> source) {
  if (!dx.defined() || source.empty()) return;
  assert(dy.shape().rank() == 4 && dy.size() == static_cast<std::int64_t>(source.size()));
  const std::int64_t images = dy.shape()[0], channels = dy.shape()[3],
                     windows = dy.shape()[1] * dy.shape()[2];
  const Upload<std::int32_t> list(stream_, source);
  const std::int32_t* place = list.data();
  float* to = dx.data();
  const float* from = dy.data();
  for_each("max_pool_backward", *stream_, images * channels, [=] __device__(std::int64_t i) {
    const std::int64_t first = i / channels * windows * channels + i % channels;
    for (std::int64_t w = 0; w < windows; ++w)
      to[place[first + w * channels]] += from[first + w * channels];
  });
}

}  // namespace semwave::cuda
