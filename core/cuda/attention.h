// What attention's kernels share: how an image's rows and a head's columns are cut into tiles, and
// the product of two tiles.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/base/pooled_vector.h"
#include "core/cuda/launch.h"
#include "core/cuda/memory.h"
#include "core/tensor/ragged.h"

namespace semwave::cuda::attention_tiles {

constexpr int tile = 32;  // rows of a tile, of queries as of keys
constexpr int threads = 128;
constexpr int lanes = 8;  // threads that share a query, neighbours in one warp
constexpr int keys_each =
    tile / lanes;  // keys of a tile that one of them works on; of queries it is two

/// The images of a layout on the device.
struct Images {
  const std::int32_t* starts;  // [images + 1]
  const std::int64_t*
      weights_at;  // [images] where the weights of each begin; null where none are kept
};

/// What is added to the scores: a table [heads, places, places] by the positions of query and key.
struct Bias {
  const float* table;             // or null
  const std::int32_t* positions;  // [rows of the layout]
  std::int64_t places;
  __device__ std::int64_t entry(std::int64_t head, std::int64_t query, std::int64_t key) const {
    return (head * places + positions[query]) * places + positions[key];
  }
};

class ImageList {
 public:
  ImageList(const StreamPtr& stream, const Ragged& layout, int heads, bool with_weights)
      : images_(layout.images()),
        most_rows_(most_rows(layout)),
        starts_(stream, layout.starts),
        weights_at_(stream,
                    with_weights ? weights_at(layout, heads) : PooledVector<std::int64_t>()),
        with_weights_(with_weights) {}
  Images on_device() const {
    return {starts_.data(), with_weights_ ? weights_at_.data() : nullptr};
  }
  /// One block for each image, head, and tile of the largest image times `parts`.
  dim3 grid(int heads, int parts) const {
    return dim3(static_cast<unsigned int>(images_), static_cast<unsigned int>(heads),
                blocks_of(most_rows_, tile) * static_cast<unsigned int>(parts));
  }

 private:
  static std::int64_t most_rows(const Ragged& layout) {
    std::int64_t most = 0;
    for (int image = 0; image < layout.images(); ++image)
      most = std::max<std::int64_t>(most, layout.rows_of(image));
    return most;
  }
  static PooledVector<std::int64_t> weights_at(const Ragged& layout, int heads) {
    PooledVector<std::int64_t> begins;
    std::int64_t size = 0;
    for (int image = 0; image < layout.images(); ++image) {
      begins.push_back(size);
      size += std::int64_t{heads} * layout.rows_of(image) * layout.rows_of(image);
    }
    return begins;
  }

  int images_;
  std::int64_t most_rows_;
  Upload<std::int32_t> starts_;
  Upload<std::int64_t> weights_at_;
  bool with_weights_;
};

/// Where a block works.
struct Place {
  std::int64_t first, rows, head,
      tile0;  // first row and rows of the image; first row of the tile within it
  __device__ Place(Images images, int tile_index)
      : first(images.starts[blockIdx.x]),
        rows(images.starts[blockIdx.x + 1] - first),
        head(blockIdx.y),
        tile0(std::int64_t{tile_index} * tile) {}
};

/// to = rows [row0, row0 + tile) and columns [column0, column0 + chunk) of `from`, zeros beyond
/// `rows` and `columns`.
template <int chunk>
__device__ inline void load_tile(float (&to)[tile][chunk + 1], const float* from,
                                 std::int64_t stride, std::int64_t row0, std::int64_t rows,
                                 int column0, int columns) {
  for (int i = static_cast<int>(threadIdx.x); i < tile * chunk; i += threads) {
    const std::int64_t row = row0 + i / chunk;
    const int column = column0 + i % chunk;
    to[i / chunk][i % chunk] = row < rows && column < columns ? from[row * stride + column] : 0.0f;
  }
}

/// s[i][j] += <a[2 ty + i], b[tx + lanes j]> over the columns of a chunk, ascending.
template <int chunk>
__device__ inline void add_products(float (&s)[2][keys_each], const float (&a)[tile][chunk + 1],
                                    const float (&b)[tile][chunk + 1], int ty, int tx,
                                    int columns) {
  for (int c = 0; c < (columns < chunk ? columns : chunk); ++c)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < keys_each; ++j)
        s[i][j] = fmaf(a[2 * ty + i][c], b[tx + lanes * j][c], s[i][j]);
}

/// s = s scale + bias of the queries 2 ty, 2 ty + 1 and every eighth key from `key0` on.
__device__ inline void scale_and_bias(float (&s)[2][keys_each], float scale, const Bias& bias,
                                      const Place& at, int ty, std::int64_t key0) {
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < keys_each; ++j) {
      const std::int64_t row = at.tile0 + 2 * ty + i, key = key0 + lanes * j;
      s[i][j] *= scale;
      if (bias.table && row < at.rows && key < at.rows)
        s[i][j] += bias.table[bias.entry(at.head, at.first + row, at.first + key)];
    }
}

/// Over the eight threads of a query; each gets the same bits.
__device__ inline float query_sum(float x) {
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}

__device__ inline float query_maximum(float x) {
  for (int distance = lanes / 2; distance > 0; distance /= 2)
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

/// run(constant) with the smallest chunk that holds a head, 128 columns at most: a larger head goes
/// in several.
template <class Run>
void with_chunk(int size, const Run& run) {
  if (size <= 32) return run(std::integral_constant<int, 32>());
  if (size <= 64) return run(std::integral_constant<int, 64>());
  run(std::integral_constant<int, 128>());
}

}  // namespace semwave::cuda::attention_tiles
