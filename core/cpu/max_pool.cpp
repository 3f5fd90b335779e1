// The largest value of each window, channel by channel. Places outside the image take no part;
// equal values: the first.
#include <algorithm>

#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::max_pool(const Tensor& y, PooledVector<std::int32_t>& source, const Tensor& x,
                          Window window) {
  const Shape& shape = x.shape();
  const std::int64_t height = shape[1], width = shape[2], channels = shape[3];
  const int out_height = window.out(static_cast<int>(height)),
            out_width = window.out(static_cast<int>(width));
  source.resize(static_cast<std::size_t>(y.size()));
  float* to = y.data();
  std::int32_t* from_index = source.data();
  for (std::int64_t b = 0; b < shape[0]; ++b)
    for (int oy = 0; oy < out_height; ++oy)
      for (int ox = 0; ox < out_width; ++ox, to += channels, from_index += channels) {
        const std::int64_t y0 = std::max(0, oy * window.stride - window.padding),
                           y1 = std::min<std::int64_t>(
                               height, oy * window.stride - window.padding + window.kernel);
        const std::int64_t x0 = std::max(0, ox * window.stride - window.padding),
                           x1 = std::min<std::int64_t>(
                               width, ox * window.stride - window.padding + window.kernel);
        bool first = true;
        for (std::int64_t iy = y0; iy < y1; ++iy)
          for (std::int64_t ix = x0; ix < x1; ++ix) {
            const std::int64_t at = ((b * height + iy) * width + ix) * channels;
            const float* from = x.data() + at;
            if (first) {
              for (std::int64_t c = 0; c < channels; ++c) {
                to[c] = from[c];
                from_index[c] = static_cast<std::int32_t>(at + c);
              }
              first = false;
              continue;
            }
            for (std::int64_t c = 0; c < channels; ++c) {
              const bool larger = from[c] > to[c] || from[c] != from[c];  // NaN stays visible
              to[c] = larger ? from[c] : to[c];
              from_index[c] = larger ? static_cast<std::int32_t>(at + c) : from_index[c];
            }
          }
      }
}

void CpuBackend::max_pool_backward(const Tensor& dx, const Tensor& dy,
                                   std::span<const std::int32_t> source) {
  if (!dx.defined()) return;
  const float* from = dy.data();
  float* to = dx.data();
  for (std::size_t i = 0; i < source.size(); ++i) to[source[i]] += from[i];
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
