// Products with weights: the fused forward product, both backward products, the derivative of the
// activation.
//
// A block makes a tile of 64 x 64 results from slices of 16 along the depth that it keeps in shared
// memory; a thread makes 4 x 4 of them. Each result is one chain of fused multiply-adds in
// ascending depth, so it depends on its own row and column alone, and the forward product has the
// bits of the CPU's.
#include <cmath>

#include "core/cuda/backend.h"
#include "core/cuda/launch.h"
#include "core/cuda/sums.h"

namespace semwave::cuda {
namespace {

constexpr int tile = 64, slice = 16, each = 4, side = tile / each;

__device__ inline float gelu_slope(float x) {  // of the tanh's argument
  constexpr float c = 0.7978845608028654f;     // sqrt(2 / pi)
  return c * (1.0f + 3.0f * 0.044715f * x * x);
}
__device__ inline float gelu_tanh(float x) {
  return tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x));
}

__device__ inline float activate(float x, Activation kind) {
  if (kind == Activation::gelu) return 0.5f * x * (1.0f + gelu_tanh(x));
  if (kind == Activation::relu) return x < 0.0f ? 0.0f : x;
  return x;
}

__device__ inline float activate_backward(float dy, float x, Activation kind) {
  if (kind == Activation::gelu) {
    const float t = gelu_tanh(x);
    return dy * (0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * gelu_slope(x));
  }
  if (kind == Activation::relu) return x > 0.0f ? dy : 0.0f;
  return dy;
}

// What becomes of a result. Each is called once for every (row, column) of the product.
struct Forward {  // y = activation(sum + bias) + residual
  float* y;
  const float *bias, *residual;
  float* before;
  Activation activation;
  std::int64_t columns;
  __device__ void operator()(std::int64_t row, std::int64_t column, int, float sum) const {
    const std::int64_t at = row * columns + column;
    if (bias) sum += bias[column];
    if (before) before[at] = sum;
    sum = activate(sum, activation);
    y[at] = residual ? sum + residual[at] : sum;
  }
};

struct Add {
  float* to;
  std::int64_t columns;
  __device__ void operator()(std::int64_t row, std::int64_t column, int, float sum) const {
    to[row * columns + column] += sum;
  }
};

struct StorePart {
  float* parts;  // [parts, rows, columns]
  std::int64_t rows, columns;
  __device__ void operator()(std::int64_t row, std::int64_t column, int part, float sum) const {
    parts[(part * rows + row) * columns + column] = sum;
  }
};

/// left [rows, depth], or stored as [depth, rows]; right [depth, columns]. Part z takes depth [z
/// part_depth, (z + 1) part_depth).
template <bool left_transposed, class Finish>
__global__ void __launch_bounds__(side* side)
    product_kernel(const float* left, const float* right, std::int64_t rows, std::int64_t depth,
                   std::int64_t columns, std::int64_t part_depth, Finish finish) {
  __shared__ float a[slice][tile + 2];  // the two extra floats keep a transposed store off one bank
  __shared__ float b[slice][tile];
  const std::int64_t row0 = std::int64_t{blockIdx.x} * tile,
                     column0 = std::int64_t{blockIdx.y} * tile;
  const std::int64_t begin = std::int64_t{blockIdx.z} * part_depth,
                     end = begin + part_depth < depth ? begin + part_depth : depth;
  const int thread = static_cast<int>(threadIdx.x), ty = thread / side, tx = thread % side;
  float sum[each][each] = {};
  for (std::int64_t p0 = begin; p0 < end; p0 += slice) {
    for (int i = thread; i < slice * tile; i += side * side) {
      const int ap = left_transposed ? i / tile : i % slice,
                ar = left_transposed ? i % tile : i / slice;
      const std::int64_t p = p0 + ap, row = row0 + ar;
      a[ap][ar] =
          p < end && row < rows ? left[left_transposed ? p * rows + row : row * depth + p] : 0.0f;
      const std::int64_t q = p0 + i / tile, column = column0 + i % tile;
      b[i / tile][i % tile] = q < end && column < columns ? right[q * columns + column] : 0.0f;
    }
    __syncthreads();
    for (int p = 0; p < slice; ++p) {
      float of_row[each], of_column[each];
      for (int i = 0; i < each; ++i) of_row[i] = a[p][ty * each + i];
      for (int j = 0; j < each; ++j) of_column[j] = b[p][tx + j * side];
      for (int i = 0; i < each; ++i)
        for (int j = 0; j < each; ++j) sum[i][j] = fmaf(of_row[i], of_column[j], sum[i][j]);
    }
    __syncthreads();
  }
  for (int i = 0; i < each; ++i)
    for (int j = 0; j < each; ++j) {
      const std::int64_t row = row0 + ty * each + i, column = column0 + tx + j * side;
      if (row < rows && column < columns)
        finish(row, column, static_cast<int>(blockIdx.z), sum[i][j]);
    }
}

template <bool left_transposed, class Finish>
void product(const char* name, const float* left, const float* right, std::int64_t rows,
             std::int64_t depth, std::int64_t columns, const Parts& parts, const Finish& finish,
             cudaStream_t stream) {
  const dim3 grid(blocks_of(rows, tile), blocks_of(columns, tile),
                  static_cast<unsigned int>(parts.count));
  launch(name, product_kernel<left_transposed, Finish>, grid, side * side, stream, left, right,
         rows, depth, columns, parts.rows, finish);
}

/// parts[z][c] = sum of x[r][c] over the rows of part z, ascending.
__global__ void column_sums_kernel(float* parts, const float* x, std::int64_t rows,
                                   std::int64_t columns, std::int64_t part_rows) {
  const std::int64_t column = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x,
                     begin = std::int64_t{blockIdx.y} * part_rows;
  const std::int64_t end = begin + part_rows < rows ? begin + part_rows : rows;
  if (column >= columns) return;
  float sum = 0.0f;
  for (std::int64_t row = begin; row < end; ++row) sum += x[row * columns + column];
  parts[std::int64_t{blockIdx.y} * columns + column] = sum;
}

}  // namespace

// Panels are the plain matrix [depth, columns].
PackedMatrix CudaBackend::pack(const Tensor& matrix, bool transpose) {
  const std::int64_t rows = matrix.shape()[0],
                     columns = rows == 0 ? matrix.columns() : matrix.size() / rows;
  PackedMatrix packed;
  packed.depth = transpose ? columns : rows;
  packed.columns = transpose ? rows : columns;
  packed.panels = empty({packed.depth, packed.columns});
  if (!transpose) {
    copy(packed.panels, matrix);
    return packed;
  }
  const float* from = matrix.data();
  float* to = packed.panels.data();
  for_each("pack", *stream_, matrix.size(),
           [=] __device__(std::int64_t i) { to[i] = from[i % rows * columns + i / rows]; });
  return packed;
}

void CudaBackend::linear(const Tensor& y, const Tensor& x, const PackedMatrix& w,
                         const Tensor& bias, Activation activation, const Tensor& residual,
                         const Tensor& before) {
  const std::int64_t rows = w.columns == 0 ? 0 : y.size() / w.columns;
  assert(x.size() == rows * w.depth && (!bias.defined() || bias.size() == w.columns));
  assert((!residual.defined() || residual.size() == y.size()) &&
         (!before.defined() || before.size() == y.size()));
  const Forward finish{y.data(),   data_or_null(bias), data_or_null(residual), data_or_null(before),
                       activation, w.columns};
  product<false>("linear", x.data(), w.panels.data(), rows, w.depth, w.columns, {1, w.depth},
                 finish, *stream_);
}

void CudaBackend::linear_backward_input(const Tensor& dx, const Tensor& dy,
                                        const PackedMatrix& wt) {
  if (!dx.defined()) return;
  const std::int64_t rows = wt.columns == 0 ? 0 : dx.size() / wt.columns;
  assert(dy.size() == rows * wt.depth);
  product<false>("linear_backward_input", dy.data(), wt.panels.data(), rows, wt.depth, wt.columns,
                 {1, wt.depth}, Add{dx.data(), wt.columns}, *stream_);
}

void CudaBackend::linear_backward_weight(const Tensor& dw, const Tensor& dbias, const Tensor& dy,
                                         const Tensor& x) {
  const std::int64_t out = dy.columns(), in = x.columns(), rows = dy.rows();
  assert(x.rows() == rows || rows == 0);
  if (rows == 0) return;
  if (dw.defined()) {
    assert(dw.size() == out * in);
    const Parts parts = parts_of(rows, std::int64_t{blocks_of(out, tile)} * blocks_of(in, tile));
    const Scratch<float> sums(stream_, parts.count * out * in);
    product<true>("linear_backward_weight", dy.data(), x.data(), out, rows, in, parts,
                  StorePart{sums.data(), out, in}, *stream_);
    add_parts(dw.data(), sums.data(), out * in, parts.count, out * in, *stream_);
  }
  if (dbias.defined()) {
    constexpr unsigned int threads = 64;
    const Parts parts = parts_of(rows, blocks_of(out, threads));
    const Scratch<float> sums(stream_, parts.count * out);
    launch("bias gradient", column_sums_kernel,
           dim3(blocks_of(out, threads), static_cast<unsigned int>(parts.count)), threads, *stream_,
           sums.data(), dy.data(), rows, out, parts.rows);
    add_parts(dbias.data(), sums.data(), out, parts.count, out, *stream_);
  }
}

void CudaBackend::activation_backward(const Tensor& dx, const Tensor& dy, const Tensor& before,
                                      Activation activation) {
  assert(dx.size() == dy.size() && (activation == Activation::none || before.size() == dy.size()));
  float* to = dx.data();
  const float *from = dy.data(), *x = activation == Activation::none ? from : before.data();
  for_each("activation_backward", *stream_, dy.size(), [=] __device__(std::int64_t i) {
    to[i] = activate_backward(from[i], x[i], activation);
  });
}

}  // namespace semwave::cuda
