// Windows of images as rows of a matrix, and back. Each image passes through a copy with its border
// of zeros, so that no window needs a test; squares of channels x places are turned in registers.
#include <algorithm>
#include <cstring>
#include <vector>

#include "core/cpu/backend.h"
#include "core/cpu/scratch.h"
#include "core/cpu/transpose.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

/// Of some rows of windows: the rows of the image that they see, with the border.
struct Geometry {
  Geometry(const Shape& shape, Window of_window, WindowRows of_rows)
      : window(of_window),
        height(shape[1]),
        width(shape[2]),
        channels(shape[3]),
        area(std::int64_t{window.kernel} * window.kernel),
        padded_width(width + 2 * window.padding),
        out_height(of_rows.count(window.out(static_cast<int>(height)))),
        out_width(window.out(static_cast<int>(width))),
        top(std::int64_t{of_rows.begin} * window.stride - window.padding),
        seen(out_height == 0 ? 0 : std::int64_t{out_height - 1} * window.stride + window.kernel),
        first(std::clamp<std::int64_t>(top, 0, height)),
        last(std::clamp<std::int64_t>(top + seen, first, height)) {}

  std::int64_t image_size() const { return height * width * channels; }
  std::int64_t padded_size() const { return seen * padded_width * channels; }
  float* inner_row(float* padded, std::int64_t y) const {
    return padded + ((y - top) * padded_width + window.padding) * channels;
  }
  /// First value of a window.
  std::int64_t corner(int oy, int ox) const {
    return (oy * padded_width + ox) * window.stride * channels;
  }
  /// From the corner to place ky * kernel + kx.
  PooledVector<std::int64_t> offsets() const {
    PooledVector<std::int64_t> made;
    for (int ky = 0; ky < window.kernel; ++ky)
      for (int kx = 0; kx < window.kernel; ++kx)
        made.push_back((ky * padded_width + kx) * channels);
    return made;
  }
  template <class Body>
  void for_windows(Body&& body) const {  // body(row within the image, corner)
    for (int oy = 0, row = 0; oy < out_height; ++oy)
      for (int ox = 0; ox < out_width; ++ox, ++row) body(row, corner(oy, ox));
  }

  Window window;
  std::int64_t height, width, channels, area, padded_width;
  int out_height, out_width;  // of these rows
  std::int64_t top, seen;     // rows of the image that they see, those outside too
  std::int64_t first, last;   // of the image alone: [first, last)
};

constexpr std::int64_t few_channels = vector_width / 2;  // below, squares would be mostly empty

/// to[c * area + place] = from[offsets[place] + c]
void gather_window(float* to, const float* from, const PooledVector<std::int64_t>& offsets,
                   std::int64_t channels) {
  const auto area = static_cast<std::int64_t>(offsets.size());
  if (channels < few_channels) {
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t place = 0; place < area; ++place)
        to[c * area + place] = from[offsets[static_cast<std::size_t>(place)] + c];
    return;
  }
  for_vectors(channels, [&](std::int64_t c, auto count) {
    for_vectors(area, [&](std::int64_t place, auto places) {
      Vector square[vector_width];
#pragma GCC unroll 16
      for (int i = 0; i < vector_width; ++i)
        square[i] = i < places
                        ? load_count(from + offsets[static_cast<std::size_t>(place + i)] + c, count)
                        : Vector{};
      transpose_square(square);
#pragma GCC unroll 16
      for (int j = 0; j < vector_width; ++j)
        if (j < count) store_count(to + (c + j) * area + place, square[j], places);
    });
  });
}

/// to[offsets[place] + c] += from[c * area + place]
void scatter_window(float* to, const float* from, const PooledVector<std::int64_t>& offsets,
                    std::int64_t channels) {
  const auto area = static_cast<std::int64_t>(offsets.size());
  if (channels < few_channels) {
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t place = 0; place < area; ++place)
        to[offsets[static_cast<std::size_t>(place)] + c] += from[c * area + place];
    return;
  }
  for_vectors(channels, [&](std::int64_t c, auto count) {
    for_vectors(area, [&](std::int64_t place, auto places) {
      Vector square[vector_width];
#pragma GCC unroll 16
      for (int j = 0; j < vector_width; ++j)
        square[j] = j < count ? load_count(from + (c + j) * area + place, places) : Vector{};
      transpose_square(square);
#pragma GCC unroll 16
      for (int i = 0; i < vector_width; ++i) {
        if (i >= places) continue;
        float* pixel = to + offsets[static_cast<std::size_t>(place + i)] + c;
        store_count(pixel, load_count(pixel, count) + square[i], count);
      }
    });
  });
}

}  // namespace

void CpuBackend::patches(const Tensor& y, const Tensor& x, Window window, WindowRows window_rows) {
  const Geometry geometry(x.shape(), window, window_rows);
  const std::int64_t row_size = geometry.channels * geometry.area,
                     rows = std::int64_t{geometry.out_height} * geometry.out_width;
  assert(y.size() == x.shape()[0] * rows * row_size);
  const PooledVector<std::int64_t> offsets = geometry.offsets();
  float* padded = scratch(Scratch::panel, geometry.padded_size());
  std::memset(padded, 0, static_cast<std::size_t>(geometry.padded_size()) * sizeof(float));
  const std::int64_t line = geometry.width * geometry.channels;
  for (std::int64_t image = 0; image < x.shape()[0]; ++image) {
    const float* from = x.data() + image * geometry.image_size();
    for (std::int64_t row = geometry.first; row < geometry.last; ++row)
      std::copy_n(from + row * line, line, geometry.inner_row(padded, row));
    float* to = y.data() + image * rows * row_size;
    geometry.for_windows([&](int row, std::int64_t corner) {
      gather_window(to + row * row_size, padded + corner, offsets, geometry.channels);
    });
  }
}

void CpuBackend::patches_backward(const Tensor& dx, const Tensor& dy, Window window,
                                  WindowRows window_rows) {
  if (!dx.defined()) return;
  const Geometry geometry(dx.shape(), window, window_rows);
  const std::int64_t row_size = geometry.channels * geometry.area,
                     rows = std::int64_t{geometry.out_height} * geometry.out_width;
  assert(dy.size() == dx.shape()[0] * rows * row_size);
  const PooledVector<std::int64_t> offsets = geometry.offsets();
  float* padded = scratch(Scratch::panel, geometry.padded_size());
  const std::int64_t line = geometry.width * geometry.channels;
  for (std::int64_t image = 0; image < dx.shape()[0]; ++image) {
    std::memset(padded, 0, static_cast<std::size_t>(geometry.padded_size()) * sizeof(float));
    const float* from = dy.data() + image * rows * row_size;
    geometry.for_windows([&](int row, std::int64_t corner) {
      scatter_window(padded + corner, from + row * row_size, offsets, geometry.channels);
    });
    float* to = dx.data() + image * geometry.image_size();
    for (std::int64_t row = geometry.first; row < geometry.last; ++row) {
      const float* inner = geometry.inner_row(padded, row);
      for_vectors(line, [&](std::int64_t at, auto count) {
        store_count(to + row * line + at,
                    load_count(to + row * line + at, count) + load_count(inner + at, count), count);
      });
    }
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
