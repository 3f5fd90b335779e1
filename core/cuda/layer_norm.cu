// Layer norm over the last axis, with an optional modulation of scale and shift by each image. A
// warp works on a row.
#include <cmath>

#include "core/cuda/backend.h"
#include "core/cuda/grouping.h"
#include "core/cuda/launch.h"
#include "core/cuda/sums.h"

namespace semwave::cuda {
namespace {

constexpr float epsilon = 1e-5f;
constexpr int columns_per_block = 32, row_lanes = 8;

__global__ void forward_kernel(float* y /*[rows, dim]*/, float* mean_rstd /*[rows, 2] or null*/,
                               const float* x, const float* gamma, const float* beta,
                               const float* modulation /*[images, 2 dim] or null*/,
                               const std::int32_t* image /*[rows]*/, std::int64_t rows,
                               std::int64_t dim) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= rows) return;  // the whole warp
  const int lane = static_cast<int>(threadIdx.x);
  const float* from = x + row * dim;
  float sum = 0.0f, squares = 0.0f;
  for (std::int64_t c = lane; c < dim; c += warp_size) sum += from[c];
  const float mean = warp_sum(sum) / static_cast<float>(dim);
  for (std::int64_t c = lane; c < dim; c += warp_size)
    squares = fmaf(from[c] - mean, from[c] - mean, squares);
  const float rstd = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(dim) + epsilon);
  if (mean_rstd && lane == 0) {
    mean_rstd[2 * row] = mean;
    mean_rstd[2 * row + 1] = rstd;
  }
  const float* scale = modulation ? modulation + 2 * dim * image[row] : nullptr;
  for (std::int64_t c = lane; c < dim; c += warp_size) {
    const float g = scale ? gamma[c] + scale[c] : gamma[c],
                b = scale ? beta[c] + scale[dim + c] : beta[c];
    y[row * dim + c] = fmaf((from[c] - mean) * rstd, g, b);
  }
}

// With h = (x - mean) rstd and e = dy (gamma + scale): dx += rstd (e - mean(e) - h mean(e h)).
__global__ void input_kernel(float* dx /*[rows, dim]*/, const float* dy, const float* x,
                             const float* mean_rstd, const float* gamma, const float* modulation,
                             const std::int32_t* image, std::int64_t rows, std::int64_t dim) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  const int lane = static_cast<int>(threadIdx.x);
  const float mean = mean_rstd[2 * row], rstd = mean_rstd[2 * row + 1];
  const float* scale = modulation ? modulation + 2 * dim * image[row] : nullptr;
  float sum = 0.0f, sum_h = 0.0f;
  for (std::int64_t c = lane; c < dim; c += warp_size) {
    const float e = dy[row * dim + c] * (scale ? gamma[c] + scale[c] : gamma[c]);
    sum += e;
    sum_h = fmaf(e, (x[row * dim + c] - mean) * rstd, sum_h);
  }
  const float mean_e = warp_sum(sum) / static_cast<float>(dim),
              mean_eh = warp_sum(sum_h) / static_cast<float>(dim);
  for (std::int64_t c = lane; c < dim; c += warp_size) {
    const float e = dy[row * dim + c] * (scale ? gamma[c] + scale[c] : gamma[c]);
    const float h = (x[row * dim + c] - mean) * rstd;
    dx[row * dim + c] += rstd * (e - mean_e - h * mean_eh);
  }
}

/// to[group] (+)= sum of (dy h | dy) over the rows of each group: order[starts[g] ... starts[g +
/// 1]), or, without lists, part_rows rows each.
__global__ void parameter_kernel(float* to /*[groups, 2 dim]*/, bool add, const float* dy,
                                 const float* x, const float* mean_rstd, const std::int32_t* starts,
                                 const std::int32_t* order, std::int64_t part_rows,
                                 std::int64_t rows, std::int64_t dim) {
  __shared__ float of_lanes[2][row_lanes][columns_per_block];
  const std::int64_t group = blockIdx.x,
                     column = std::int64_t{blockIdx.y} * columns_per_block + threadIdx.x;
  std::int64_t begin = group * part_rows, end = begin + part_rows < rows ? begin + part_rows : rows;
  if (starts) {
    begin = starts[group];
    end = starts[group + 1];
  }
  float sum_h = 0.0f, sum = 0.0f;
  for (std::int64_t i = begin + threadIdx.y; column < dim && i < end; i += row_lanes) {
    const std::int64_t row = order ? order[i] : i;
    const float d = dy[row * dim + column];
    sum_h = fmaf(d, (x[row * dim + column] - mean_rstd[2 * row]) * mean_rstd[2 * row + 1], sum_h);
    sum += d;
  }
  of_lanes[0][threadIdx.y][threadIdx.x] = sum_h;
  of_lanes[1][threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y >= 2 || column >= dim)
    return;  // the first row of threads ends dy h, the second dy
  float total = 0.0f;
  for (int lane = 0; lane < row_lanes; ++lane) total += of_lanes[threadIdx.y][lane][threadIdx.x];
  const std::int64_t at = 2 * dim * group + dim * threadIdx.y + column;
  to[at] = add ? to[at] + total : total;
}

}  // namespace

void CudaBackend::layer_norm(const Tensor& y, const Tensor& mean_rstd, const Tensor& x,
                             const Tensor& gamma, const Tensor& beta, const Tensor& modulation,
                             std::span<const std::int32_t> image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(y.size() == x.size() && beta.size() == dim &&
         (!modulation.defined() || static_cast<std::int64_t>(image.size()) == rows));
  assert(!mean_rstd.defined() || mean_rstd.size() == 2 * rows);
  const Upload<std::int32_t> images(stream_,
                                    modulation.defined() ? image : std::span<const std::int32_t>{});
  launch("layer_norm", forward_kernel, blocks_of(rows, warps_per_block),
         dim3(warp_size, warps_per_block), *stream_, y.data(), data_or_null(mean_rstd), x.data(),
         gamma.data(), beta.data(), data_or_null(modulation), images.data(), rows, dim);
}

void CudaBackend::layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta,
                                      const Tensor& dmodulation, const Tensor& dy, const Tensor& x,
                                      const Tensor& mean_rstd, const Tensor& gamma,
                                      const Tensor& modulation,
                                      std::span<const std::int32_t> image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(dy.size() == x.size() && mean_rstd.size() == 2 * rows);
  assert((!modulation.defined() && !dmodulation.defined()) ||
         static_cast<std::int64_t>(image.size()) == rows);
  if (rows == 0) return;
  if (dx.defined()) {
    const Upload<std::int32_t> images(
        stream_, modulation.defined() ? image : std::span<const std::int32_t>{});
    launch("layer_norm_backward", input_kernel, blocks_of(rows, warps_per_block),
           dim3(warp_size, warps_per_block), *stream_, dx.data(), dy.data(), x.data(),
           mean_rstd.data(), gamma.data(), data_or_null(modulation), images.data(), rows, dim);
  }
  const unsigned int column_blocks = blocks_of(dim, columns_per_block);
  const dim3 block(columns_per_block, row_lanes);
  if (dmodulation.defined()) {
    const Grouping by_image(stream_, image, dmodulation.size() / (2 * dim));
    launch("layer_norm modulation gradient", parameter_kernel,
           dim3(static_cast<unsigned int>(by_image.groups()), column_blocks), block, *stream_,
           dmodulation.data(), true, dy.data(), x.data(), mean_rstd.data(), by_image.starts(),
           by_image.order(), 0, rows, dim);
  }
  if (!dgamma.defined() && !dbeta.defined()) return;
  const Parts parts = parts_of(rows, column_blocks);
  const Scratch<float> sums(stream_, parts.count * 2 * dim);
  launch("layer_norm parameter gradient", parameter_kernel,
         dim3(static_cast<unsigned int>(parts.count), column_blocks), block, *stream_, sums.data(),
         false, dy.data(), x.data(), mean_rstd.data(), nullptr, nullptr, parts.rows, rows, dim);
  if (dgamma.defined()) add_parts(dgamma.data(), sums.data(), dim, parts.count, 2 * dim, *stream_);
  if (dbeta.defined())
    add_parts(dbeta.data(), sums.data() + dim, dim, parts.count, 2 * dim, *stream_);
}

}  // namespace semwave::cuda
