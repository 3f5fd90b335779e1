// The one product of the CPU backend: C (+)= A B by a register tile, templated on its rows.
//
// Every element of C is one accumulator, starting at zero, summed over the depth in ascending order
// with fused multiply-adds (where the machine has them), then stored or added to C. That holds for
// every tile height and every remainder, so the bits of a row do not depend on the rows beside it.
// (D. Kalamkar's and K. Goto's panels without their blocking of the depth.)
#pragma once

#include <cstdint>

#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

#if SEMWAVE_SIMD == 512
inline constexpr int tile_rows = 14;  // 28 accumulators, 2 of B, 1 of A: 31 of 32 registers
#else
inline constexpr int tile_rows = 6;
#endif
inline constexpr int panel_width = 2 * vector_width;

enum class Write : std::uint8_t { set, add };

/// How A lies in memory: element (i, p) is data[i * stride + p] (by_rows) or data[i + p * stride]
/// (by_columns: A is stored transposed).
enum class Order : std::uint8_t { by_rows, by_columns };

struct LeftMatrix {
  const float* data;
  std::int64_t stride;
  Order order;
  const float* row(std::int64_t i) const {
    return order == Order::by_rows ? data + i * stride : data + i;
  }
};

/// One tile: `rows` 1..tile_rows, `vectors` 1 or 2 whole vectors of columns. Where `ahead` is not 0
/// (by_rows with set, by_columns with add) it asks the cache, while it reads B, for what stands
/// `ahead` floats further on; that address is only hinted at and may lie anywhere.
void multiply_tile(Write write, int rows, int vectors, std::int64_t depth, const LeftMatrix& a,
                   const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
                   std::int64_t ahead = 0);

/// C [rows, columns] (+)= A [rows, depth] B [depth, columns] with B and C by rows at the given
/// strides. Any sizes, zero included.
void multiply(Write write, std::int64_t rows, std::int64_t columns, std::int64_t depth,
              const LeftMatrix& a, const float* b, std::int64_t b_stride, float* c,
              std::int64_t c_stride);

/// Rows of the tile that starts at `row`: as few tiles as possible, of nearly equal height.
inline int tile_height(std::int64_t row, std::int64_t rows) {
  const std::int64_t left = rows - row;
  const std::int64_t tiles = (left + tile_rows - 1) / tile_rows;
  return static_cast<int>((left + tiles - 1) / tiles);
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
