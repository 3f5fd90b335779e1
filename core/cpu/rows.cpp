// Moving rows and columns, scaled addition, and the straight-through derivative of a selection.
#include <algorithm>

#include "core/cpu/backend.h"
#include "core/cpu/row_functions.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::gather_rows(const Tensor& y, const Tensor& x,
                             std::span<const std::int32_t> index) {
  const std::int64_t dim = y.columns();
  assert(y.size() == static_cast<std::int64_t>(index.size()) * dim);
  float* to = y.data();
  for (std::int32_t row : index) {
    assert(row < x.rows());
    if (row < 0) {
      std::fill_n(to, dim, 0.0f);
    } else {
      std::copy_n(x.data() + row * dim, dim, to);
    }
    to += dim;
  }
}

void CpuBackend::scatter_add_rows(const Tensor& dx, const Tensor& dy,
                                  std::span<const std::int32_t> index) {
  if (!dx.defined()) return;
  const std::int64_t dim = dx.columns();
  const float* from = dy.data();
  for (std::int32_t row : index) {
    assert(row < dx.rows());
    if (row >= 0) cpu::add_scaled(dx.data() + row * dim, from, 1.0f, dim);
    from += dim;
  }
}

void CpuBackend::set_columns(const Tensor& y, const Tensor& x, std::int64_t column) {
  const std::int64_t dim = x.columns(), stride = y.columns();
  assert(column >= 0 && column + dim <= stride && x.rows() == y.rows());
  for (std::int64_t row = 0; row < x.rows(); ++row)
    std::copy_n(x.data() + row * dim, dim, y.data() + row * stride + column);
}

void CpuBackend::add_columns(const Tensor& dx, const Tensor& dy, std::int64_t column) {
  if (!dx.defined()) return;
  const std::int64_t dim = dx.columns(), stride = dy.columns();
  assert(column >= 0 && column + dim <= stride && dx.rows() == dy.rows());
  for (std::int64_t row = 0; row < dx.rows(); ++row)
    cpu::add_scaled(dx.data() + row * dim, dy.data() + row * stride + column, 1.0f, dim);
}

void CpuBackend::add_scaled(const Tensor& y, const Tensor& x, float scale) {
  if (!y.defined()) return;
  assert(y.size() == x.size());
  cpu::add_scaled(y.data(), x.data(), scale, y.size());
}

void CpuBackend::straight_through_backward(const Tensor& dscore, const Tensor& dy, const Tensor& x,
                                           const Tensor& score) {
  if (!dscore.defined()) return;
  const std::int64_t rows = score.size(), dim = dy.columns();
  for (std::int64_t row = 0; row < rows; ++row) {
    const float s = cpu::sigmoid(broadcast(score.data()[row]))[0];
    dscore.data()[row] += dot(dy.data() + row * dim, x.data() + row * dim, dim) * s * (1.0f - s);
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
