// Windows of images as rows of a matrix, and back.
#include <algorithm>

#include "core/cpu/backend.h"

namespace semwave::cpu {
namespace {

// Calls body(row of windows, pixel or -1 outside, ky * kernel + kx).
template <class Body>
void for_pixels(const Shape& images, Window window, Body&& body) {
  const int height = static_cast<int>(images[1]), width = static_cast<int>(images[2]);
  const int out_height = window.out(height), out_width = window.out(width);
  std::int64_t row = 0;
  for (std::int64_t image = 0; image < images[0]; ++image)
    for (int oy = 0; oy < out_height; ++oy)
      for (int ox = 0; ox < out_width; ++ox, ++row)
        for (int ky = 0; ky < window.kernel; ++ky)
          for (int kx = 0; kx < window.kernel; ++kx) {
            const int y = oy * window.stride + ky - window.padding, x = ox * window.stride + kx - window.padding;
            const bool inside = 0 <= y && y < height && 0 <= x && x < width;
            body(row, inside ? (image * height + y) * width + x : std::int64_t{-1}, ky * window.kernel + kx);
          }
}

}  // namespace

void CpuBackend::patches(const Tensor& y, const Tensor& x, Window window) {
  const std::int64_t channels = x.shape()[3], area = window.kernel * window.kernel;
  for_pixels(x.shape(), window, [&](std::int64_t row, std::int64_t pixel, int place) {
    float* to = y.data() + row * channels * area + place;
    const float* from = x.data() + pixel * channels;
    for (std::int64_t c = 0; c < channels; ++c) to[c * area] = pixel < 0 ? 0.0f : from[c];
  });
}

void CpuBackend::patches_backward(const Tensor& dx, const Tensor& dy, Window window) {
  if (!dx.defined()) return;
  const std::int64_t channels = dx.shape()[3], area = window.kernel * window.kernel;
  for_pixels(dx.shape(), window, [&](std::int64_t row, std::int64_t pixel, int place) {
    if (pixel < 0) return;
    const float* from = dy.data() + row * channels * area + place;
    float* to = dx.data() + pixel * channels;
    for (std::int64_t c = 0; c < channels; ++c) to[c] += from[c * area];
  });
}

}  // namespace semwave::cpu
