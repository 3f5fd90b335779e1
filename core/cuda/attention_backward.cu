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

/// dbias [heads, places, places] is added to, one thread an entry: images in their order, so that
/// the sum has one order. `row_at` [images, places] says which row of its image stands at a place,
/// -1: none.
__global__ void bias_kernel(float* dbias, const float* ds, const std::int32_t* row_at,
                            Images images, std::int64_t count, std::int64_t places, int heads,
                            float inverse_scale) {
  const std::int64_t entry = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (entry >= heads * places * places) return;
  const std::int64_t key_place = entry % places, query_place = entry / places % places,
                     head = entry / (places * places);
  float sum = 0.0f;
  for (std::int64_t image = 0; image < count; ++image) {
    const std::int64_t query = row_at[image * places + query_place],
                       key = row_at[image * places + key_place],
                       rows = images.starts[image + 1] - images.starts[image];
    if (query >= 0 && key >= 0)
      sum += ds[images.weights_at[image] + (head * rows + query) * rows + key];
  }
  dbias[entry] += sum * inverse_scale;
}

PooledVector<std::int32_t> rows_at_places(const Ragged& layout, std::int64_t places) {
  PooledVector<std::int32_t> row_at(static_cast<std::size_t>(layout.images() * places), -1);
  for (std::size_t row = 0; row < layout.positions.size(); ++row) {
    const auto image = static_cast<std::size_t>(layout.image[row]);
    row_at[image * static_cast<std::size_t>(places) +
           static_cast<std::size_t>(layout.positions[row])] =
        static_cast<std::int32_t>(row) - layout.starts[image];
  }
  return row_at;
}

}  // namespace

void CudaBackend::attention_backward(const Tensor& dqkv, const Tensor& dbias, const Tensor& dy,
                                     const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                                     int heads) {
  if (!dqkv.defined() || layout.rows() == 0) return;
  const std::int64_t dim = dy.columns();
  const int size = static_cast<int>(dim / heads);
  assert(weights.size() == attention_weights_size(layout, heads));
  const ImageList images(stream_, layout, heads, true);
  const Scratch<float> ds(stream_, weights.size());
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  with_chunk(size, [&](auto chunk) {
    const int parts = static_cast<int>(blocks_of(size, chunk));
    launch("attention_backward of queries", queries_kernel<chunk>, images.grid(heads, 1), threads,
           *stream_, dqkv.data(), ds.data(), dy.data(), weights.data(), qkv.data(),
           images.on_device(), dim, size, scale);
    launch("attention_backward of keys", keys_kernel<chunk>, images.grid(heads, parts), threads,
           *stream_, dqkv.data(), ds.data(), dy.data(), weights.data(), qkv.data(),
           images.on_device(), dim, size, parts);
  });
  if (!dbias.defined()) return;
  const std::int64_t places = dbias.shape()[2];
  const Upload<std::int32_t> row_at(stream_, rows_at_places(layout, places));
  launch("attention_backward of the bias", bias_kernel, blocks_of(dbias.size(), threads), threads,
         *stream_, dbias.data(), ds.data(), row_at.data(), images.on_device(),
         std::int64_t{layout.images()}, places, heads, 1.0f / scale);
}

}  // namespace semwave::cuda
