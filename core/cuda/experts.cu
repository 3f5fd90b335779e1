// The router's softmax, and the mixture of the experts' rows.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"
#include "core/cuda/softmax.h"

namespace semwave::cuda {

void CudaBackend::softmax(const Tensor& y, const Tensor& x) {
  const std::int64_t columns = y.columns();
  float* to = y.data();
  const float* from = x.data();
  for_each_warp("softmax", *stream_, y.rows(), [=] __device__(std::int64_t row, int lane) {
    (void)softmax_row(to + row * columns, from + row * columns, columns, lane);
  });
}

void CudaBackend::softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) {
  if (!dx.defined()) return;
  const std::int64_t columns = y.columns();
  float* to = dx.data();
  const float *d = dy.data(), *p = y.data();
  for_each_warp("softmax_backward", *stream_, y.rows(), [=] __device__(std::int64_t row, int lane) {
    softmax_backward_row(to + row * columns, d + row * columns, p + row * columns, columns, lane);
  });
}

void CudaBackend::combine(const Tensor& y, const Tensor& residual, const Tensor& e, const Tensor& p,
                          std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
                          int k) {
  const std::int64_t dim = y.columns(), experts = p.columns();
  assert(static_cast<std::int64_t>(row.size()) == y.rows() * k && expert.size() == row.size());
  const Upload<std::int32_t> chosen(stream_, expert), rows(stream_, row);
  const std::int32_t *expert_of = chosen.data(), *row_of = rows.data();
  float* to = y.data();
  const float *base = data_or_null(residual), *answer = e.data(), *share = p.data();
  for_each("combine", *stream_, y.size(), [=] __device__(std::int64_t i) {
    const std::int64_t r = i / dim, column = i % dim;
    float sum = base ? base[i] : 0.0f;
    for (std::int64_t j = r * k; j < (r + 1) * k; ++j)
      if (row_of[j] >= 0)
        sum = fmaf(share[r * experts + expert_of[j]], answer[row_of[j] * dim + column], sum);
    to[i] = sum;
  });
}

// A warp for each row. A row of e belongs to one choice (routing permutes them), so no two warps
// write to one place.
void CudaBackend::combine_backward(const Tensor& dresidual, const Tensor& de, const Tensor& dp,
                                   const Tensor& dy, const Tensor& e, const Tensor& p,
                                   std::span<const std::int32_t> expert,
                                   std::span<const std::int32_t> row, int k) {
  const std::int64_t dim = dy.columns(), experts = p.columns();
  add_scaled(dresidual, dy, 1.0f);
  const Upload<std::int32_t> chosen(stream_, expert), rows(stream_, row);
  const std::int32_t *expert_of = chosen.data(), *row_of = rows.data();
  float *to_answer = data_or_null(de), *to_share = data_or_null(dp);
  const float *d = dy.data(), *answer = e.data(), *share = p.data();
  for_each_warp("combine_backward", *stream_, dy.rows(), [=] __device__(std::int64_t r, int lane) {
    for (std::int64_t j = r * k; j < (r + 1) * k; ++j) {
      if (row_of[j] < 0) continue;  // the same for the whole warp
      const std::int64_t at = r * experts + expert_of[j], from = row_of[j] * dim;
      float sum = 0.0f;
      for (std::int64_t c = lane; c < dim; c += warp_size) {
        if (to_answer) to_answer[from + c] = fmaf(share[at], d[r * dim + c], to_answer[from + c]);
        sum = fmaf(d[r * dim + c], answer[from + c], sum);
      }
      sum = warp_sum(sum);
      if (to_share && lane == 0) to_share[at] += sum;
    }
  });
}

}  // namespace semwave::cuda
