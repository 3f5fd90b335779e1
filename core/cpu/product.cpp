// The register tile and the loops around it.
#include "core/cpu/product.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "core/cpu/scratch.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

using TileFunction = void (*)(std::int64_t depth, const float* a, std::int64_t a_stride,
                              const float* b, std::int64_t b_stride, float* c,
                              std::int64_t c_stride, std::int64_t ahead);

template <int rows, int vectors, Order order, Write write, bool fetch>
void tile(std::int64_t depth, const float* a, std::int64_t a_stride, const float* b,
          std::int64_t b_stride, float* c, std::int64_t c_stride,
          [[maybe_unused]] std::int64_t ahead) {
  Vector sums[rows][vectors] = {};
  if constexpr (write ==
                Write::add) {  // C is seldom in the near caches: it comes while the sums are made
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) __builtin_prefetch(c + i * c_stride + v * vector_width, 1);
    }
  }
  for (std::int64_t p = 0; p < depth; ++p) {
    Vector right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      right[v] = load(b + v * vector_width);
      if constexpr (fetch) __builtin_prefetch(b + ahead + v * vector_width, 0, 2);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const Vector left = broadcast(order == Order::by_rows ? a[i * a_stride] : a[i]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sums[i][v] = multiply_add(left, right[v], sums[i][v]);
    }
    a += order == Order::by_rows ? 1 : a_stride;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      float* to = c + i * c_stride + v * vector_width;
      store(to, write == Write::add ? load(to) + sums[i][v] : sums[i][v]);
    }
  }
}

template <int vectors, Order order, Write write, bool fetch, int... row>
constexpr std::array<TileFunction, tile_rows> heights(std::integer_sequence<int, row...>) {
  return {&tile<row + 1, vectors, order, write, fetch>...};
}

template <int vectors, Order order, Write write, bool fetch = false>
constexpr std::array<TileFunction, tile_rows> heights() {
  return heights<vectors, order, write, fetch>(std::make_integer_sequence<int, tile_rows>{});
}

constexpr std::int64_t rows_ahead = 12;

// [vectors - 1][order][write][rows - 1]
constexpr std::array<TileFunction, tile_rows> tiles[2][2][2] = {
    {{heights<1, Order::by_rows, Write::set>(), heights<1, Order::by_rows, Write::add>()},
     {heights<1, Order::by_columns, Write::set>(), heights<1, Order::by_columns, Write::add>()}},
    {{heights<2, Order::by_rows, Write::set>(), heights<2, Order::by_rows, Write::add>()},
     {heights<2, Order::by_columns, Write::set>(), heights<2, Order::by_columns, Write::add>()}}};

// [order][vectors - 1][rows - 1], asking for what stands ahead: by rows to set, by columns to add
constexpr std::array<TileFunction, tile_rows> fetching_tiles[2][2] = {
    {heights<1, Order::by_rows, Write::set, true>(),
     heights<2, Order::by_rows, Write::set, true>()},
    {heights<1, Order::by_columns, Write::add, true>(),
     heights<2, Order::by_columns, Write::add, true>()}};

}  // namespace

void multiply_tile(Write write, int rows, int vectors, std::int64_t depth, const LeftMatrix& a,
                   const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
                   std::int64_t ahead) {
  if (ahead != 0) {
    assert((write == Write::set) == (a.order == Order::by_rows));
    return fetching_tiles[static_cast<int>(a.order)][vectors - 1][static_cast<std::size_t>(
        rows - 1)](depth, a.data, a.stride, b, b_stride, c, c_stride, ahead);
  }
  tiles[vectors - 1][static_cast<int>(a.order)][static_cast<int>(write)][static_cast<std::size_t>(
      rows - 1)](depth, a.data, a.stride, b, b_stride, c, c_stride, ahead);
}

void multiply(Write write, std::int64_t rows, std::int64_t columns, std::int64_t depth,
              const LeftMatrix& a, const float* b, std::int64_t b_stride, float* c,
              std::int64_t c_stride) {
  for (std::int64_t column = 0; column < columns; column += panel_width) {
    const int width = static_cast<int>(std::min<std::int64_t>(panel_width, columns - column));
    const int vectors = (width + vector_width - 1) / vector_width;
    const int full = vectors * vector_width;
    const float* panel = b + column;
    std::int64_t panel_stride = b_stride;
    if (width !=
        full) {  // the last columns, padded with zeros so that nothing is read past the end of B
      float* padded = scratch(Scratch::panel, depth * full);
      const int whole = full - vector_width, rest = width - whole;
      for (std::int64_t p = 0; p < depth; ++p) {
        if (whole) store(padded + p * full, load(panel + p * b_stride));
        store(padded + p * full + whole, load_partial(panel + p * b_stride + whole, rest));
      }
      panel = padded;
      panel_stride = full;
    }
    for (std::int64_t row = 0; row < rows;) {
      const int height = tile_height(row, rows);
      const LeftMatrix left{a.row(row), a.stride, a.order};
      float* to = c + row * c_stride + column;
      if (width == full) {
        // The first tile of a panel of a stored activation reads it from afar, a few lines of each
        // row: these come sooner if asked for.
        const std::int64_t ahead = row == 0 && a.order == Order::by_columns && write == Write::add
                                       ? rows_ahead * panel_stride
                                       : 0;
        multiply_tile(write, height, vectors, depth, left, panel, panel_stride, to, c_stride,
                      ahead);
      } else {
        alignas(64) float result[tile_rows * panel_width];
        multiply_tile(Write::set, height, vectors, depth, left, panel, panel_stride, result, full);
        for (int i = 0; i < height; ++i) {
          for_vectors(width, [&](std::int64_t at, auto count) {
            float* place = to + i * c_stride + at;
            const Vector sum = load(result + i * full + at);
            store_count(place, write == Write::add ? load_count(place, count) + sum : sum, count);
          });
        }
      }
      row += height;
    }
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
