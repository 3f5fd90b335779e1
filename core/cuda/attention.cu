// Ragged softmax attention, forward. A block of 128 threads answers 32 queries of one image and
// head: tiles of 32 keys, then of their values, pass through shared memory under a running softmax
// (Milakov and Gimelshein 2018). Thread (ty, tx) holds two queries, every eighth key of a tile and
// every eighth column of the answer; the eight threads of a query sit in one warp. Where the
// weights are kept, a second pass over the keys writes them, so keeping them does not change the
// answer.
#include <cmath>

#include "core/cuda/attention.h"
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {
namespace {

using namespace attention_tiles;

/// qkv [n, 3 dim], y [n, dim]; blockIdx = (image, head, query tile x parts + part); a part is
/// `chunk` columns of the answer.
template <int chunk>
__global__ void __launch_bounds__(threads)
    attention_kernel(float* y, float* weights /*or null*/, const float* qkv, Images images,
                     std::int64_t dim, int size /*of a head*/, int parts, float scale, Bias bias) {
  __shared__ float q[tile][chunk + 1], k[tile][chunk + 1], p[tile][tile + 1];
  const Place at(images, static_cast<int>(blockIdx.z) / parts);
  const int part = static_cast<int>(blockIdx.z) % parts;
  if (at.tile0 >= at.rows) return;
  const int ty = static_cast<int>(threadIdx.x) / lanes, tx = static_cast<int>(threadIdx.x) % lanes;
  const float* first =
      qkv + at.first * 3 * dim +
      at.head * size;  // row r: q at first[3 dim r], k dim further, v 2 dim further

  // s = q k^T scale + bias for the keys from key0, in ascending columns.
  const auto scores = [&](std::int64_t key0, float(&s)[2][keys_each]) {
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < keys_each; ++j) s[i][j] = 0.0f;
    for (int c0 = 0; c0 < size; c0 += chunk) {
      __syncthreads();
      if (key0 == 0 || size > chunk)
        load_tile<chunk>(q, first, 3 * dim, at.tile0, at.rows, c0, size);
      load_tile<chunk>(k, first + dim, 3 * dim, key0, at.rows, c0, size);
      __syncthreads();
      add_products<chunk>(s, q, k, ty, tx, size - c0);
    }
    scale_and_bias(s, scale, bias, at, ty, key0 + tx);
  };

  float peak[2] = {-INFINITY, -INFINITY}, sum[2] = {}, answer[2][chunk / lanes] = {};
  for (std::int64_t key0 = 0; key0 < at.rows; key0 += tile) {
    float s[2][keys_each];
    scores(key0, s);
    for (int i = 0; i < 2; ++i) {
      float highest = peak[i];
      for (int j = 0; j < keys_each; ++j)
        if (key0 + tx + lanes * j < at.rows) highest = fmaxf(highest, s[i][j]);
      highest = query_maximum(highest);
      const float correction = expf(peak[i] - highest);
      peak[i] = highest;
      sum[i] *= correction;
      for (int c = 0; c < chunk / lanes; ++c) answer[i][c] *= correction;
      for (int j = 0; j < keys_each; ++j) {
        const float e = key0 + tx + lanes * j < at.rows ? expf(s[i][j] - highest) : 0.0f;
        sum[i] += e;
        p[2 * ty + i][tx + lanes * j] = e;
      }
    }
    __syncthreads();  // everybody has read k; p is whole
    load_tile<chunk>(k, first + 2 * dim, 3 * dim, key0, at.rows, part * chunk, size);
    __syncthreads();
    for (int key = 0; key < tile; ++key)
      for (int i = 0; i < 2; ++i)
        for (int c = 0; c < chunk / lanes; ++c)
          answer[i][c] = fmaf(p[2 * ty + i][key], k[key][tx + lanes * c], answer[i][c]);
  }
  float inverse[2];
  for (int i = 0; i < 2; ++i) {
    inverse[i] = 1.0f / query_sum(sum[i]);
    const std::int64_t row = at.tile0 + 2 * ty + i;
    for (int c = 0; c < chunk / lanes; ++c) {
      const int column = part * chunk + tx + lanes * c;
      if (row < at.rows && column < size)
        y[(at.first + row) * dim + at.head * size + column] = answer[i][c] * inverse[i];
    }
  }
  if (!weights || part > 0) return;
  float* kept = weights + images.weights_at[blockIdx.x] +
                at.head * at.rows * at.rows;  // [rows, rows] of this head
  for (std::int64_t key0 = 0; key0 < at.rows; key0 += tile) {
    float s[2][keys_each];
    scores(key0, s);
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < keys_each; ++j) {
        const std::int64_t row = at.tile0 + 2 * ty + i, key = key0 + tx + lanes * j;
        if (row < at.rows && key < at.rows)
          kept[row * at.rows + key] = expf(s[i][j] - peak[i]) * inverse[i];
      }
  }
}

}  // namespace

void CudaBackend::attention(const Tensor& y, const Tensor& weights, const Tensor& qkv,
                            const Ragged& layout, int heads, const Tensor& bias) {
  const std::int64_t dim = y.columns();
  const int size = static_cast<int>(dim / heads);
  assert(qkv.columns() == 3 * dim && dim % heads == 0 && y.rows() == layout.rows());
  assert(!weights.defined() || weights.size() == attention_weights_size(layout, heads));
  const ImageList images(stream_, layout, heads, weights.defined());
  const Upload<std::int32_t> positions(
      stream_, bias.defined() ? layout.positions : PooledVector<std::int32_t>());
  const Bias added{data_or_null(bias), positions.data(), bias.defined() ? bias.shape()[2] : 0};
  with_chunk(size, [&](auto chunk) {
    const int parts = static_cast<int>(blocks_of(size, chunk));
    launch("attention", attention_kernel<chunk>, images.grid(heads, parts), threads, *stream_,
           y.data(), data_or_null(weights), qkv.data(), images.on_device(), dim, size, parts,
           1.0f / std::sqrt(static_cast<float>(size)), added);
  });
}

// A thread for each row: it walks down the row's column of every head.
void CudaBackend::received_attention(const Tensor& y, const Tensor& weights, const Ragged& layout,
                                     int heads) {
  assert(y.size() == layout.rows() && weights.size() == attention_weights_size(layout, heads));
  PooledVector<std::int64_t> begin;  // of each image's weights
  std::int64_t sum = 0;
  for (int i = 0; i < layout.images(); ++i) {
    begin.push_back(sum);
    sum += std::int64_t{heads} * layout.rows_of(i) * layout.rows_of(i);
  }
  const Upload<std::int64_t> offsets(stream_, begin);
  const Upload<std::int32_t> list(stream_, layout.starts), images(stream_, layout.image);
  const std::int64_t* offset = offsets.data();
  const std::int32_t *starts = list.data(), *image_of = images.data();
  const float* p = weights.data();
  float* to = y.data();
  for_each("received_attention", *stream_, layout.rows(), [=] __device__(std::int64_t row) {
    const std::int64_t image = image_of[row], rows = starts[image + 1] - starts[image];
    const float* column = p + offset[image] + (row - starts[image]);
    float total = 0.0f;
    for (std::int64_t i = 0; i < heads * rows; ++i) total += column[i * rows];
    to[row] = total / static_cast<float>(heads * rows);
  });
}

}  // namespace semwave::cuda
