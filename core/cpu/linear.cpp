// Products with weights: panels, the fused forward product, both backward products.
#include <algorithm>

#include "core/cpu/backend.h"
#include "core/cpu/product.h"
#include "core/cpu/scratch.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

// Panel j holds columns [j panel_width, ...) as [depth][width]; the last one is one vector wide
// where that is enough, and padded with zeros. So panel j starts at j * panel_width * depth.
int width_of_panel(std::int64_t column, std::int64_t columns) {
  return columns - column > vector_width ? panel_width : vector_width;
}

// Rows of x that stay in the second-level cache while every panel passes over them.
std::int64_t rows_of_block(std::int64_t depth) {
  constexpr std::int64_t cached_floats = 96 * 1024;
  return std::max<std::int64_t>(1, cached_floats / std::max<std::int64_t>(1, depth) / tile_rows) *
         tile_rows;
}

struct Epilogue {
  const float* bias;      // of the panel's first column, or null
  const float* residual;  // of the tile's first element, or null
  float* before;
  float* y;
  std::int64_t stride;  // of residual, before and y
};

template <Activation activation>
void finish(const Epilogue& to, const float* tile, int tile_stride, int height, int width) {
  for (int i = 0; i < height; ++i) {
    const std::int64_t row = i * to.stride;
    for_vectors(width, [&](std::int64_t at, auto count) {
      Vector sum = load(tile + i * tile_stride + at);
      if (to.bias) sum += load_count(to.bias + at, count);
      if (to.before) store_count(to.before + row + at, sum, count);
      if constexpr (activation == Activation::gelu) sum = gelu(sum);
      if constexpr (activation == Activation::relu) sum = sum < 0.0f ? Vector{} : sum;
      if (to.residual) sum += load_count(to.residual + row + at, count);
      store_count(to.y + row + at, sum, count);
    });
  }
}

}  // namespace

PackedMatrix CpuBackend::pack(const Tensor& matrix, bool transpose) {
  const std::int64_t stored_rows = matrix.shape()[0];
  const std::int64_t stored_columns =
      stored_rows == 0 ? matrix.columns() : matrix.size() / stored_rows;
  PackedMatrix packed;
  packed.depth = transpose ? stored_columns : stored_rows;
  packed.columns = transpose ? stored_rows : stored_columns;
  packed.panels = empty({packed.depth * round_up(packed.columns)});
  const std::int64_t depth_stride = transpose ? 1 : stored_columns;
  const std::int64_t column_stride = transpose ? stored_columns : 1;
  const float* from = matrix.data();
  float* to = packed.panels.data();
  for (std::int64_t column = 0; column < packed.columns; column += panel_width) {
    const int width = width_of_panel(column, packed.columns);
    const std::int64_t used = std::min<std::int64_t>(width, packed.columns - column);
    for (std::int64_t p = 0; p < packed.depth; ++p, to += width) {
      for (std::int64_t j = 0; j < used; ++j)
        to[j] = from[p * depth_stride + (column + j) * column_stride];
      std::fill(to + used, to + width, 0.0f);
    }
  }
  return packed;
}

void CpuBackend::linear(const Tensor& y, const Tensor& x, const PackedMatrix& w, const Tensor& bias,
                        Activation activation, const Tensor& residual, const Tensor& before) {
  const std::int64_t columns = w.columns, depth = w.depth;
  const std::int64_t rows = columns == 0 ? 0 : y.size() / columns;
  assert(x.size() == rows * depth && (!bias.defined() || bias.size() == columns));
  assert((!residual.defined() || residual.size() == y.size()) &&
         (!before.defined() || before.size() == y.size()));
  const bool plain =
      activation == Activation::none && !bias.defined() && !residual.defined() && !before.defined();
  const auto finish_tile = activation == Activation::gelu   ? finish<Activation::gelu>
                           : activation == Activation::relu ? finish<Activation::relu>
                                                            : finish<Activation::none>;
  const std::int64_t block = rows_of_block(depth);
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    const std::int64_t end = std::min(rows, begin + block);
    for (std::int64_t column = 0; column < columns; column += panel_width) {
      const float* panel = w.panels.data() + column * depth;
      const int stride = width_of_panel(column, columns);
      const int vectors = stride / vector_width;
      const int width = static_cast<int>(std::min<std::int64_t>(stride, columns - column));
      // Activations of several images drive the weights out of the near caches: the next panel is
      // asked for while this one is used. For one image the machine's own prefetch does as well,
      // and asking costs 4 %.
      const std::int64_t ahead = rows > 64 ? stride * depth : 0;
      for (std::int64_t row = begin; row < end;) {
        const int height = tile_height(row, end);
        const LeftMatrix left{x.data() + row * depth, depth, Order::by_rows};
        float* to = y.data() + row * columns + column;
        if (plain && width == stride) {
          multiply_tile(Write::set, height, vectors, depth, left, panel, stride, to, columns,
                        row + height < end ? 0 : ahead);
        } else {
          alignas(64) float tile[tile_rows * panel_width];
          multiply_tile(Write::set, height, vectors, depth, left, panel, stride, tile, stride,
                        row + height < end ? 0 : ahead);
          const std::int64_t at = row * columns + column;
          const Epilogue epilogue{bias.defined() ? bias.data() + column : nullptr,
                                  residual.defined() ? residual.data() + at : nullptr,
                                  before.defined() ? before.data() + at : nullptr, to, columns};
          finish_tile(epilogue, tile, stride, height, width);
        }
        row += height;
      }
    }
  }
}

void CpuBackend::linear_backward_input(const Tensor& dx, const Tensor& dy, const PackedMatrix& wt) {
  if (!dx.defined()) return;
  const std::int64_t columns = wt.columns, depth = wt.depth;
  const std::int64_t rows = columns == 0 ? 0 : dx.size() / columns;
  assert(dy.size() == rows * depth);
  const std::int64_t block = rows_of_block(depth);
  for (std::int64_t begin = 0; begin < rows; begin += block) {
    const std::int64_t end = std::min(rows, begin + block);
    for (std::int64_t column = 0; column < columns; column += panel_width) {
      const float* panel = wt.panels.data() + column * depth;
      const int stride = width_of_panel(column, columns);
      const int vectors = stride / vector_width;
      const int width = static_cast<int>(std::min<std::int64_t>(stride, columns - column));
      for (std::int64_t row = begin; row < end;) {
        const int height = tile_height(row, end);
        const LeftMatrix left{dy.data() + row * depth, depth, Order::by_rows};
        float* to = dx.data() + row * columns + column;
        if (width == stride) {
          multiply_tile(Write::add, height, vectors, depth, left, panel, stride, to, columns);
        } else {
          alignas(64) float tile[tile_rows * panel_width];
          multiply_tile(Write::set, height, vectors, depth, left, panel, stride, tile, stride);
          for (int i = 0; i < height; ++i) {
            for_vectors(width, [&](std::int64_t at, auto count) {
              float* place = to + i * columns + at;
              store_count(place, load_count(place, count) + load(tile + i * stride + at), count);
            });
          }
        }
        row += height;
      }
    }
  }
}

void CpuBackend::linear_backward_weight(const Tensor& dw, const Tensor& dbias, const Tensor& dy,
                                        const Tensor& x) {
  const std::int64_t out = dy.columns(), in = x.columns(), rows = dy.rows();
  assert(x.rows() == rows || rows == 0);
  if (dw.defined()) {
    assert(dw.size() == out * in);
    constexpr std::int64_t block = 256;  // rows whose panel of x stays in the first-level cache
    for (std::int64_t begin = 0; begin < rows; begin += block) {
      const std::int64_t depth = std::min(block, rows - begin);
      multiply(Write::add, out, in, depth, {dy.data() + begin * out, out, Order::by_columns},
               x.data() + begin * in, in, dw.data(), in);
    }
  }
  if (dbias.defined()) {
    for_vectors(out, [&](std::int64_t at, auto count) {
      Vector sum{};
      for (std::int64_t row = 0; row < rows; ++row)
        sum += load_count(dy.data() + row * out + at, count);
      store_count(dbias.data() + at, load_count(dbias.data() + at, count) + sum, count);
    });
  }
}

void CpuBackend::activation_backward(const Tensor& dx, const Tensor& dy, const Tensor& before,
                                     Activation activation) {
  assert(dx.size() == dy.size() && (activation == Activation::none || before.size() == dy.size()));
  const float* from = dy.data();
  float* to = dx.data();
  if (activation == Activation::none) {
    if (to != from) std::copy_n(from, dy.size(), to);
    return;
  }
  for_vectors(dy.size(), [&](std::int64_t at, auto count) {
    const Vector x = load_count(before.data() + at, count), d = load_count(from + at, count);
    store_count(to + at,
                activation == Activation::gelu ? d * gelu_derivative(x) : (x > 0.0f ? d : Vector{}),
                count);
  });
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
