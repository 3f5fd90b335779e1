// Ragged softmax attention, backward, from the kept weights P. With dP = dy v^T: dS = P (dP -
// rowsum(P dP)) scale, dq = dS k, dk = dS^T q, dv = P^T dy. The first kernel makes dS and dq by
// tiles of queries; the second reads dS and makes dk and dv by tiles of keys, so no sum crosses
// blocks. Tiles and threads as in attention.cu.
#include <cmath>

#include "core/cuda/attention.h"
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {
namespace {

using namespace attention_tiles;

/// ds [as weights] is written; dqkv's q columns are added to. blockIdx = (image, head, query tile).
template <int chunk>
__global__ void __launch_bounds__(threads)
    queries_kernel(float* dqkv, float* ds, const float* dy, const float* weights, const float* qkv,
                   Images images, std::int64_t dim, int size, float scale) {
  __shared__ float a[tile][chunk + 1], b[tile][chunk + 1], d[tile][tile + 1];
  const Place at(images, static_cast<int>(blockIdx.z));
  if (at.tile0 >= at.rows) return;
  const int ty = static_cast<int>(threadIdx.x) / lanes, tx = static_cast<int>(threadIdx.x) % lanes;
  const std::int64_t column = at.head * size,
                     matrix = images.weights_at[blockIdx.x] + at.head * at.rows * at.rows;
  const float* first = qkv + at.first * 3 * dim + column;
  const auto inside = [&](int i, int j, std::int64_t key0) {
    return at.tile0 + 2 * ty + i < at.rows && key0 + tx + lanes * j < at.rows;
  };
  const auto entry = [&](int i, int j, std::int64_t key0) {
    return matrix + (at.tile0 + 2 * ty + i) * at.rows + key0 + tx + lanes * j;
  };

  float mean[2] = {};  // of dP under P
  for (std::int64_t key0 = 0; key0 < at.rows; key0 += tile) {
    float s[2][keys_each] = {};
    for (int c0 = 0; c0 < size; c0 += chunk) {
      __syncthreads();
      if (key0 == 0 || size > chunk)
        load_tile<chunk>(a, dy + at.first * dim + column, dim, at.tile0, at.rows, c0, size);
      load_tile<chunk>(b, first + 2 * dim, 3 * dim, key0, at.rows, c0, size);
      __syncthreads();
      add_products<chunk>(s, a, b, ty, tx, size - c0);
    }
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < keys_each; ++j)
        if (inside(i, j, key0)) {
          ds[entry(i, j, key0)] = s[i][j];
          mean[i] = fmaf(weights[entry(i, j, key0)], s[i][j], mean[i]);
        }
  }
  for (int i = 0; i < 2; ++i) mean[i] = query_sum(mean[i]);

  for (int c0 = 0; c0 < size; c0 += chunk) {  // a thread reads of ds what it wrote
    float dq[2][chunk / lanes] = {};
    for (std::int64_t key0 = 0; key0 < at.rows; key0 += tile) {
      __syncthreads();
      load_tile<chunk>(b, first + dim, 3 * dim, key0, at.rows, c0, size);
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < keys_each; ++j) {
          float value = 0.0f;
          if (inside(i, j, key0)) {
            value = ds[entry(i, j, key0)];
            if (c0 == 0)
              ds[entry(i, j, key0)] = value =
                  weights[entry(i, j, key0)] * (value - mean[i]) * scale;
          }
          d[2 * ty + i][tx + lanes * j] = value;
        }
      __syncthreads();
      for (int key = 0; key < tile; ++key)
        for (int i = 0; i < 2; ++i)
          for (int c = 0; c < chunk / lanes; ++c)
            dq[i][c] = fmaf(d[2 * ty + i][key], b[key][tx + lanes * c], dq[i][c]);
    }
    for (int i = 0; i < 2; ++i)
      for (int c = 0; c < chunk / lanes; ++c) {
        const std::int64_t row = at.tile0 + 2 * ty + i;
        const int of_head = c0 + tx + lanes * c;
        if (row < at.rows && of_head < size)
          dqkv[(at.first + row) * 3 * dim + column + of_head] += dq[i][c];
      }
  }
}

/// dqkv's k and v columns are added to. blockIdx = (image, head, key tile x parts + part); a thread
/// holds keys 2 ty and 2 ty + 1.
template <int chunk>
__global__ void __launch_bounds__(threads)
    keys_kernel(float* dqkv, const float* ds, const float* dy, const float* weights,
                const float* qkv, Images images, std::int64_t dim, int size, int parts) {
  __shared__ float q[tile][chunk + 1], d[tile][chunk + 1], of_score[tile][tile + 1],
      of_weight[tile][tile + 1];  // the last two [query][key]
  const Place at(images, static_cast<int>(blockIdx.z) / parts);
  const int c0 = static_cast<int>(blockIdx.z) % parts * chunk;
  if (at.tile0 >= at.rows) return;
  const int ty = static_cast<int>(threadIdx.x) / lanes, tx = static_cast<int>(threadIdx.x) % lanes;
  const std::int64_t column = at.head * size,
                     matrix = images.weights_at[blockIdx.x] + at.head * at.rows * at.rows;
  float dk[2][chunk / lanes] = {}, dv[2][chunk / lanes] = {};
  for (std::int64_t query0 = 0; query0 < at.rows; query0 += tile) {
    __syncthreads();
    load_tile<chunk>(q, qkv + at.first * 3 * dim + column, 3 * dim, query0, at.rows, c0, size);
    load_tile<chunk>(d, dy + at.first * dim + column, dim, query0, at.rows, c0, size);
    for (int i = static_cast<int>(threadIdx.x); i < tile * tile; i += threads) {
      const std::int64_t query = query0 + i / tile, key = at.tile0 + i % tile;
      const bool is = query < at.rows && key < at.rows;
      of_score[i / tile][i % tile] = is ? ds[matrix + query * at.rows + key] : 0.0f;
      of_weight[i / tile][i % tile] = is ? weights[matrix + query * at.rows + key] : 0.0f;
    }
    __syncthreads();
    for (int query = 0; query < tile; ++query)
      for (int i = 0; i < 2; ++i)
        for (int c = 0; c < chunk / lanes; ++c) {
          dk[i][c] = fmaf(of_score[query][2 * ty + i], q[query][tx + lanes * c], dk[i][c]);
          dv[i][c] = fmaf(of_weight[query][2 * ty + i], d[query][tx + lanes * c], dv[i][c]);
        }
  }
  for (int i = 0; i < 2; ++i)
    for (int c = 0; c < chunk / lanes; ++c) {
      const std::int64_t row = at.tile0 + 2 * ty + i;
      const int of_head = c0 + tx + lanes * c;
      if (row >= at.rows || of_head >= size) continue;
      float* to = dqkv + (at.first + row) * 3 * dim + dim + column + of_head;
      to[0] += dk[i][c];
      to[dim] += dv[i][c];
    }
}

}  // namespace

void CudaBackend::attention_backward(const Tensor& dqkv, const Tensor& dy, const Tensor& weights,
                                     const Tensor& qkv, const Ragged& layout, int heads) {
  if (!dqkv.defined() || layout.rows() == 0) return;
  const std::int64_t dim = dy.columns();
  const int size = static_cast<int>(dim / heads);
  assert(weights.size() == attention_weights_size(layout, heads));
  const ImageList images(stream_, layout, heads, true);
  const Scratch<float> ds(stream_, weights.size());
  with_chunk(size, [&](auto chunk) {
    const int parts = static_cast<int>(blocks_of(size, chunk));
    launch("attention_backward of queries", queries_kernel<chunk>, images.grid(heads, 1), threads,
           *stream_, dqkv.data(), ds.data(), dy.data(), weights.data(), qkv.data(),
           images.on_device(), dim, size, 1.0f / std::sqrt(static_cast<float>(size)));
    launch("attention_backward of keys", keys_kernel<chunk>, images.grid(heads, parts), threads,
           *stream_, dqkv.data(), ds.data(), dy.data(), weights.data(), qkv.data(),
           images.on_device(), dim, size, parts);
  });
}

}  // namespace semwave::cuda
