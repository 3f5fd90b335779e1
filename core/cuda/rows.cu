// Moving rows and columns, scaled addition, and the straight-through derivative of a selection.
#include "core/cuda/backend.h"
#include "core/cuda/grouping.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {

void CudaBackend::gather_rows(const Tensor& y, const Tensor& x,
                              std::span<const std::int32_t> index) {
  const std::int64_t dim = y.columns();
  assert(y.size() == static_cast<std::int64_t>(index.size()) * dim);
  const Upload<std::int32_t> list(stream_, index);
  float* to = y.data();
  const float* from = x.data();
  const std::int32_t* rows = list.data();
  for_each("gather_rows", *stream_, y.size(), [=] __device__(std::int64_t i) {
    const std::int64_t row = rows[i / dim];
    to[i] = row < 0 ? 0.0f : from[row * dim + i % dim];
  });
}

// A thread for each value of dx adds what goes there, in the order of the index.
void CudaBackend::scatter_add_rows(const Tensor& dx, const Tensor& dy,
                                   std::span<const std::int32_t> index) {
  if (!dx.defined() || index.empty()) return;
  const std::int64_t dim = dx.columns();
  assert(dy.size() == static_cast<std::int64_t>(index.size()) * dim);
  const Grouping by_row(stream_, index, dx.rows());
  float* to = dx.data();
  const float* from = dy.data();
  const std::int32_t *starts = by_row.starts(), *order = by_row.order();
  for_each("scatter_add_rows", *stream_, dx.size(), [=] __device__(std::int64_t i) {
    const std::int64_t row = i / dim, column = i % dim;
    float sum = to[i];
    for (std::int32_t j = starts[row]; j < starts[row + 1]; ++j)
      sum += from[order[j] * dim + column];
    to[i] = sum;
  });
}

void CudaBackend::set_columns(const Tensor& y, const Tensor& x, std::int64_t column) {
  const std::int64_t dim = x.columns(), stride = y.columns();
  assert(column >= 0 && column + dim <= stride && x.rows() == y.rows());
  float* to = y.data();
  const float* from = x.data();
  for_each("set_columns", *stream_, x.size(),
           [=] __device__(std::int64_t i) { to[i / dim * stride + column + i % dim] = from[i]; });
}

void CudaBackend::add_columns(const Tensor& dx, const Tensor& dy, std::int64_t column) {
  if (!dx.defined()) return;
  const std::int64_t dim = dx.columns(), stride = dy.columns();
  assert(column >= 0 && column + dim <= stride && dx.rows() == dy.rows());
  float* to = dx.data();
  const float* from = dy.data();
  for_each("add_columns", *stream_, dx.size(),
           [=] __device__(std::int64_t i) { to[i] += from[i / dim * stride + column + i % dim]; });
}

void CudaBackend::add_scaled(const Tensor& y, const Tensor& x, float scale) {
  if (!y.defined()) return;
  assert(y.size() == x.size());
  float* to = y.data();
  const float* from = x.data();
  for_each("add_scaled", *stream_, y.size(),
           [=] __device__(std::int64_t i) { to[i] = fmaf(scale, from[i], to[i]); });
}

void CudaBackend::straight_through_backward(const Tensor& dscore, const Tensor& dy, const Tensor& x,
                                            const Tensor& score) {
  if (!dscore.defined()) return;
  const std::int64_t dim = dy.columns();
  float* to = dscore.data();
  const float *d = dy.data(), *from = x.data(), *s = score.data();
  for_each_warp("straight_through_backward", *stream_, score.size(),
                [=] __device__(std::int64_t row, int lane) {
                  float sum = 0.0f;
                  for (std::int64_t c = lane; c < dim; c += warp_size)
                    sum = fmaf(d[row * dim + c], from[row * dim + c], sum);
                  sum = warp_sum(sum);
                  const float sigmoid = 1.0f / (1.0f + expf(-s[row]));
                  if (lane == 0) to[row] += sum * sigmoid * (1.0f - sigmoid);
                });
}

}  // namespace semwave::cuda
