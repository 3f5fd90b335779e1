// Transposition by vectors: log2(width) rounds of perfect shuffles turn a square of rows into its
// columns.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace detail {

template <int half, int... lane>
inline Vector interleave(Vector a, Vector b, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(a, b,
                                 (lane % 2 * vector_width + half * vector_width / 2 + lane / 2)...);
}

}  // namespace detail

/// square[i][j] becomes square[j][i].
inline void transpose_square(Vector (&square)[vector_width]) {
  using Lanes = std::make_integer_sequence<int, vector_width>;
#pragma GCC unroll 4
  for (int round = 1; round < vector_width; round *= 2) {
    Vector next[vector_width];
#pragma GCC unroll 8
    for (int i = 0; i < vector_width / 2; ++i) {
      next[2 * i] = detail::interleave<0>(square[i], square[i + vector_width / 2], Lanes{});
      next[2 * i + 1] = detail::interleave<1>(square[i], square[i + vector_width / 2], Lanes{});
    }
#pragma GCC unroll 16
    for (int i = 0; i < vector_width; ++i) square[i] = next[i];
  }
}

/// to [columns, to_stride] = from [rows, columns] transposed; columns rows.. of `to` up to the next
/// whole vector become zero (to_stride >= round_up(rows)).
inline void transpose(float* to, std::int64_t to_stride, const float* from,
                      std::int64_t from_stride, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t row = 0; row < rows; row += vector_width) {
    const std::int64_t height = std::min<std::int64_t>(vector_width, rows - row);
    for_vectors(columns, [&](std::int64_t column, auto count) {
      Vector square[vector_width];
      for (int i = 0; i < vector_width; ++i)
        square[i] =
            i < height ? load_count(from + (row + i) * from_stride + column, count) : Vector{};
      transpose_square(square);
      for (int j = 0; j < count; ++j) store(to + (column + j) * to_stride + row, square[j]);
    });
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
