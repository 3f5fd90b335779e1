// Windows of images as rows of a matrix, and back. The way back gathers: a thread for each pixel
// adds the windows that saw it, in order.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {

void CudaBackend::patches(const Tensor& y, const Tensor& x, Window window, WindowRows rows) {
  const std::int64_t height = x.shape()[1], width = x.shape()[2], channels = x.shape()[3],
                     kernel = window.kernel;
  const std::int64_t out_height = rows.count(window.out(static_cast<int>(height))),
                     out_width = window.out(static_cast<int>(width)), first = rows.begin;
  assert(y.size() == x.shape()[0] * out_height * out_width * channels * kernel * kernel);
  float* to = y.data();
  const float* from = x.data();
  for_each(
      "patches", *stream_, y.size(),
      [=] __device__(std::int64_t i) {  // i = [image, oy, ox][c, ky, kx]
        const std::int64_t kx = i % kernel, ky = i / kernel % kernel,
                           c = i / (kernel * kernel) % channels,
                           row = i / (kernel * kernel * channels);
        const std::int64_t ix = row % out_width * window.stride - window.padding + kx;
        const std::int64_t iy =
            (first + row / out_width % out_height) * window.stride - window.padding + ky;
        const bool inside = ix >= 0 && ix < width && iy >= 0 && iy < height;
        to[i] =
            inside
                ? from[((row / (out_width * out_height) * height + iy) * width + ix) * channels + c]
                : 0.0f;
      });
}

void CudaBackend::patches_backward(const Tensor& dx, const Tensor& dy, Window window,
                                   WindowRows rows) {
  if (!dx.defined()) return;
  const std::int64_t height = dx.shape()[1], width = dx.shape()[2], channels = dx.shape()[3],
                     kernel = window.kernel;
  const std::int64_t out_height = rows.count(window.out(static_cast<int>(height))),
                     out_width = window.out(static_cast<int>(width)), first = rows.begin;
  assert(dy.size() == dx.shape()[0] * out_height * out_width * channels * kernel * kernel);
  float* to = dx.data();
  const float* from = dy.data();
  for_each("patches_backward", *stream_, dx.size(),
           [=] __device__(std::int64_t i) {  // i = [image, iy, ix, c]
             const std::int64_t c = i % channels, ix = i / channels % width,
                                iy = i / (channels * width) % height,
                                image = i / (channels * width * height);
             float sum = 0.0f;
             for (std::int64_t ky = kernel - 1; ky >= 0; --ky) {  // ascending windows
               const std::int64_t down = iy + window.padding - ky,
                                  oy = down / window.stride - first;
               if (down < 0 || down % window.stride != 0 || oy < 0 || oy >= out_height) continue;
               for (std::int64_t kx = kernel - 1; kx >= 0; --kx) {
                 const std::int64_t right = ix + window.padding - kx, ox = right / window.stride;
                 if (right < 0 || right % window.stride != 0 || ox >= out_width) continue;
                 sum += from[(((image * out_height + oy) * out_width + ox) * channels + c) *
                                 kernel * kernel +
                             ky * kernel + kx];
               }
             }
             to[i] += sum;
           });
}

}  // namespace semwave::cuda
