// The kernels of pictures as plain loops, beside those of rows (tests/reference_kernels.h, which
// says what these are for): windows, pooling, channels.
#pragma once

#include "tests/reference_kernels.h"

namespace reference {

// Convolution
// -------------------------------------------------------------------------------------------------
struct WindowShape {
  Size images, height, width, channels;
  int kernel, stride, padding;
  Size out_height() const {
    return (height + 2 * static_cast<Size>(padding) - static_cast<Size>(kernel)) /
               static_cast<Size>(stride) +
           1;
  }
  Size out_width() const {
    return (width + 2 * static_cast<Size>(padding) - static_cast<Size>(kernel)) /
               static_cast<Size>(stride) +
           1;
  }
  Size columns() const { return channels * static_cast<Size>(kernel * kernel); }
  Size rows() const { return images * out_height() * out_width(); }
};

// Calls visit(place in y, place in x) for every pair that lies inside the image.
template <typename Visit>
void for_each_window_element(const WindowShape& s, const Visit& visit) {
  Size at = 0;
  for (Size b = 0; b < s.images; ++b)
    for (Size oy = 0; oy < s.out_height(); ++oy)
      for (Size ox = 0; ox < s.out_width(); ++ox)
        for (Size c = 0; c < s.channels; ++c)
          for (int ky = 0; ky < s.kernel; ++ky)
            for (int kx = 0; kx < s.kernel; ++kx, ++at) {
              const int row = static_cast<int>(oy) * s.stride - s.padding + ky,
                        column = static_cast<int>(ox) * s.stride - s.padding + kx;
              if (row < 0 || column < 0 || row >= static_cast<int>(s.height) ||
                  column >= static_cast<int>(s.width))
                continue;
              visit(at, ((b * s.height + static_cast<Size>(row)) * s.width +
                         static_cast<Size>(column)) *
                                s.channels +
                            c);
            }
}

template <typename T>
Array<T> patches(const Array<T>& x /*[B, H, W, C]*/, const WindowShape& shape) {
  Array<T> y(shape.rows() * shape.columns());
  for_each_window_element(shape, [&](Size in_y, Size in_x) { y[in_y] = x[in_x]; });
  return y;
}

template <typename T>
void patches_backward(Array<T>& dx, const Array<T>& dy, const WindowShape& shape) {
  for_each_window_element(shape, [&](Size in_y, Size in_x) { dx[in_x] += dy[in_y]; });
}

// Channels of pictures: rows are pixels
// -------------------------------------------------------------------------------
template <typename T>
Array<T> prelu(const Array<T>& x /*[n, C]*/, const Array<T>& slope /*[C] or [1]*/) {
  Array<T> y(x.size());
  for (Size i = 0; i < x.size(); ++i) y[i] = x[i] > T(0) ? x[i] : x[i] * slope[i % slope.size()];
  return y;
}

template <typename T>
void prelu_backward(Array<T>& dx, Array<T>& dslope, const Array<T>& dy, const Array<T>& x,
                    const Array<T>& slope) {
  for (Size i = 0; i < x.size(); ++i) {
    dx[i] += x[i] > T(0) ? dy[i] : dy[i] * slope[i % slope.size()];
    if (!(x[i] > T(0))) dslope[i % slope.size()] += dy[i] * x[i];
  }
}

template <typename T>
Array<T> sigmoids(const Array<T>& x) {
  Array<T> y(x.size());
  for (Size i = 0; i < x.size(); ++i) y[i] = sigmoid(x[i]);
  return y;
}

template <typename T>
void sigmoids_backward(Array<T>& dx, const Array<T>& dy, const Array<T>& x) {
  for (Size i = 0; i < x.size(); ++i) dx[i] += dy[i] * sigmoid(x[i]) * (T(1) - sigmoid(x[i]));
}

/// `rows` pixels an image.
template <typename T>
Array<T> scale_channels(const Array<T>& x /*[images rows, C]*/, const Array<T>& scale, Size rows,
                        Size channels) {
  Array<T> y(x.size());
  for (Size i = 0; i < x.size(); ++i)
    y[i] = x[i] * scale[i / (rows * channels) * channels + i % channels];
  return y;
}

template <typename T>
void scale_channels_backward(Array<T>& dx, Array<T>& dscale, const Array<T>& dy, const Array<T>& x,
                             const Array<T>& scale, Size rows, Size channels) {
  for (Size i = 0; i < x.size(); ++i) {
    const Size at = i / (rows * channels) * channels + i % channels;
    dx[i] += dy[i] * scale[at];
    dscale[at] += dy[i] * x[i];
  }
}

/// A transposed convolution: each place of x adds its filter, times its value, to the picture.
template <typename T>
Array<T> transposed_convolution(const Array<T>& x /*[B, h, w, in]*/,
                                const Array<T>& weight /*[in, C, k, k]*/, const Array<T>& bias,
                                const WindowShape& pictures, Size in) {
  Array<T> y(pictures.images * pictures.height * pictures.width * pictures.channels);
  for (Size i = 0; i < y.size(); ++i) y[i] = bias[i % pictures.channels];
  const Size columns = pictures.columns();
  for_each_window_element(pictures, [&](Size in_windows, Size in_y) {
    const Size place = in_windows / columns, element = in_windows % columns;
    for (Size c = 0; c < in; ++c) y[in_y] += x[place * in + c] * weight[c * columns + element];
  });
  return y;
}

// Max-pooling: the first largest value of each window and channel
// -------------------------------------------------------
template <typename T>
Array<T> max_pool(const Array<T>& x /*[B, H, W, C]*/, const WindowShape& s,
                  std::vector<Size>& source) {
  const Size area = static_cast<Size>(s.kernel * s.kernel);
  Array<T> y(s.rows() * s.channels);
  std::vector<bool> seen(y.size(), false);
  source.assign(y.size(), 0);
  for_each_window_element(s, [&](Size in_windows, Size in_x) {
    const Size at = in_windows / area;  // [row, channel] of y
    if (seen[at] && !(x[in_x] > y[at])) return;
    seen[at] = true;
    y[at] = x[in_x];
    source[at] = in_x;
  });
  return y;
}

template <typename T>
void max_pool_backward(Array<T>& dx, const Array<T>& dy, const std::vector<Size>& source) {
  for (Size i = 0; i < dy.size(); ++i) dx[source[i]] += dy[i];
}

}  // namespace reference
