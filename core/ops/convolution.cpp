// Convolutions of whole pictures and their adjoint, as products over windows. Windows are many
// times the picture, so they are made piece by piece: a few rows of one large picture, or several
// small pictures. Where a picture is cut depends on its own shape alone, and so do its numbers.
#include <algorithm>
#include <cassert>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {
namespace {

// Windows at a time: what stays in the second-level cache, or keeps a device busy.
constexpr std::int64_t cached_floats = std::int64_t{1} << 17, device_floats = std::int64_t{1} << 26;

Tensor as_matrix(const Tensor& tensor) {
  const std::int64_t rows = tensor.shape()[0];
  return tensor.reshape({rows, tensor.size() / rows});
}

/// Windows over pictures [B, H, W, C], and the pictures [B, out(H), out(W), ...] that have a row
/// for each of them.
struct Windows {
  Windows(const Shape& pictures, Window of_window)
      : window(of_window),
        images(pictures[0]),
        pixels(pictures[1] * pictures[2]),
        channels(pictures[3]),
        out_height(window.out(static_cast<int>(pictures[1]))),
        out_width(window.out(static_cast<int>(pictures[2]))),
        depth(channels * window.kernel * window.kernel) {}

  /// body(pictures of x, rows of windows, first and last row of the other pictures' matrix)
  template <class Body>
  void for_pieces(const Backend& backend, const Tensor& x, Body&& body) const {
    const std::int64_t limit = backend.kind() == DeviceKind::cpu ? cached_floats : device_floats;
    const std::int64_t row = out_width * depth, image = out_height * row;
    const auto pictures = [&](std::int64_t first, std::int64_t count) {
      return x.reshape({images * pixels, channels})
          .row_range(first * pixels, (first + count) * pixels)
          .reshape({count, x.shape()[1], x.shape()[2], channels});
    };
    const std::int64_t places = std::int64_t{out_height} * out_width;
    if (image <= limit) {
      const std::int64_t at_once = std::max<std::int64_t>(1, image == 0 ? images : limit / image);
      for (std::int64_t i = 0; i < images; i += at_once) {
        const std::int64_t count = std::min(at_once, images - i);
        body(pictures(i, count), WindowRows{}, i * places, (i + count) * places);
      }
      return;
    }
    const int at_once = static_cast<int>(std::max<std::int64_t>(1, limit / row));
    for (std::int64_t i = 0; i < images; ++i)
      for (int first = 0; first < out_height; first += at_once) {
        const int end = std::min(out_height, first + at_once);
        body(pictures(i, 1), WindowRows{first, end}, i * places + first * std::int64_t{out_width},
             i * places + end * std::int64_t{out_width});
      }
  }
  /// Rows of the largest piece.
  std::int64_t most_rows(const Backend& backend, const Tensor& x) const {
    std::int64_t most = 0;
    for_pieces(backend, x, [&](const Tensor&, WindowRows, std::int64_t first, std::int64_t last) {
      most = std::max(most, last - first);
    });
    return most;
  }

  Window window;
  std::int64_t images, pixels, channels;
  int out_height, out_width;
  std::int64_t depth;
};

Tensor rows_of(const Tensor& pictures, std::int64_t first, std::int64_t last) {
  return pictures.reshape({pictures.rows(), pictures.columns()}).row_range(first, last);
}

}  // namespace

Var convolution(Pass& pass, const Var& x, const Parameter& weight, const Parameter& bias,
                Window window) {
  assert(weight.packs && x.value().shape().rank() == 4);
  Backend& backend = pass.backend;
  const Windows windows(x.value().shape(), window);
  assert(windows.depth == weight.forward.depth);
  const Var w = pass.parameter(weight), b = pass.parameter(bias);
  Var y = pass.output(backend.empty({windows.images, windows.out_height, windows.out_width,
                                     weight.forward.columns}),
                      {&x, &w, &b});
  const Tensor columns = backend.empty({windows.most_rows(backend, x.value()), windows.depth});
  windows.for_pieces(
      backend, x.value(),
      [&](const Tensor& pictures, WindowRows rows, std::int64_t first, std::int64_t last) {
        const Tensor piece = columns.row_range(0, last - first);
        backend.patches(piece, pictures, window, rows);
        backend.linear(rows_of(y.value(), first, last), piece, weight.forward, bias.value,
                       Activation::none, {}, {});
      });
  pass.operations +=
      operations::linear(static_cast<double>(y.value().rows()), static_cast<double>(windows.depth),
                         static_cast<double>(y.value().columns()));

  if (y.needs_gradient()) {
    pass.tape->record([&backend, &weight, windows, x, w, b, y] {
      if (!y.has_gradient()) return;
      const std::int64_t most = windows.most_rows(backend, x.value());
      const Tensor seen = backend.empty({most, windows.depth});
      const Tensor dx = x.needs_gradient() ? x.gradient(backend) : Tensor{};
      const Tensor dw = w.needs_gradient() ? as_matrix(w.gradient(backend)) : Tensor{};
      const Tensor db = b.needs_gradient() ? b.gradient(backend) : Tensor{};
      const Tensor& dy = y.gradient(backend);
      windows.for_pieces(
          backend, x.value(),
          [&](const Tensor& pictures, WindowRows rows, std::int64_t first, std::int64_t last) {
            const Tensor piece = seen.row_range(0, last - first), d = rows_of(dy, first, last);
            backend.patches(piece, pictures, windows.window, rows);
            if (dw.defined() || db.defined()) backend.linear_backward_weight(dw, db, d, piece);
          });
      if (!dx.defined()) return;
      windows.for_pieces(
          backend, dx,
          [&](const Tensor& pictures, WindowRows rows, std::int64_t first, std::int64_t last) {
            const Tensor piece = seen.row_range(0, last - first);
            backend.linear(piece, rows_of(dy, first, last), weight.backward, {}, Activation::none,
                           {}, {});
            backend.patches_backward(pictures, piece, windows.window, rows);
          });
    });
  }
  return y;
}

Var transposed_convolution(Pass& pass, const Var& x, const Parameter& weight, const Parameter& bias,
                           Window window, int height, int width) {
  assert(weight.packs && weight.both_ways && x.value().shape().rank() == 4);
  assert(window.out(height) == x.value().shape()[1] && window.out(width) == x.value().shape()[2]);
  assert(x.value().columns() == weight.backward.depth);
  Backend& backend = pass.backend;
  const std::int64_t channels = bias.value.size();
  const Var w = pass.parameter(weight), b = pass.parameter(bias);
  Var y = pass.output(backend.empty({x.value().shape()[0], height, width, channels}), {&x, &w, &b});
  const Windows windows(y.value().shape(), window);
  assert(windows.depth == weight.backward.columns);
  // Each pixel begins with the bias; windows are added to it.
  const PooledVector<std::int32_t> begin(static_cast<std::size_t>(y.value().rows()), 0);
  backend.gather_rows(y.value(), bias.value.reshape({1, channels}), begin);
  const Tensor columns = backend.empty({windows.most_rows(backend, y.value()), windows.depth});
  windows.for_pieces(
      backend, y.value(),
      [&](const Tensor& pictures, WindowRows rows, std::int64_t first, std::int64_t last) {
        const Tensor piece = columns.row_range(0, last - first);
        backend.linear(piece, rows_of(x.value(), first, last), weight.backward, {},
                       Activation::none, {}, {});
        backend.patches_backward(pictures, piece, window, rows);
      });
  pass.operations += operations::linear(static_cast<double>(x.value().rows()),
                                        static_cast<double>(x.value().columns()),
                                        static_cast<double>(windows.depth));

  if (y.needs_gradient()) {
    pass.tape->record([&backend, &weight, windows, x, w, b, y] {
      if (!y.has_gradient()) return;
      const Tensor& dy = y.gradient(backend);
      const Tensor seen = backend.empty({windows.most_rows(backend, dy), windows.depth});
      const Tensor dx = x.needs_gradient() ? x.gradient(backend) : Tensor{};
      const Tensor dw = w.needs_gradient() ? as_matrix(w.gradient(backend)) : Tensor{};
      if (b.needs_gradient()) {
        const Tensor pixels = rows_of(dy, 0, dy.rows());
        backend.linear_backward_weight({}, b.gradient(backend), pixels, pixels);
      }
      windows.for_pieces(
          backend, dy,
          [&](const Tensor& pictures, WindowRows rows, std::int64_t first, std::int64_t last) {
            const Tensor piece = seen.row_range(0, last - first);
            backend.patches(piece, pictures, windows.window, rows);
            if (dx.defined())
              backend.linear_backward_input(rows_of(dx, first, last), piece, weight.forward);
            if (dw.defined())
              backend.linear_backward_weight(dw, {}, rows_of(x.value(), first, last), piece);
          });
    });
  }
  return y;
}

}  // namespace semwave
