// The router's softmax, and the mixture of the experts' rows.
#include <algorithm>

#include "core/cpu/backend.h"
#include "core/cpu/row_functions.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::softmax(const Tensor& y, const Tensor& x) {
  const std::int64_t experts = y.columns();
  cpu::softmax(y.data(), x.data(), y.rows(), experts, experts, 1.0f);
}

void CpuBackend::softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) {
  if (!dx.defined()) return;
  const std::int64_t experts = y.columns();
  for (std::int64_t at = 0; at < y.size(); at += experts)
    cpu::softmax_backward(dx.data() + at, dy.data() + at, y.data() + at, experts, 1.0f);
}

void CpuBackend::combine(const Tensor& y, const Tensor& residual, const Tensor& e, const Tensor& p,
                         std::span<const std::int32_t> expert, std::span<const std::int32_t> row,
                         int k) {
  const std::int64_t rows = y.rows(), dim = y.columns(), experts = p.columns();
  assert(static_cast<std::int64_t>(row.size()) == rows * k && expert.size() == row.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    float* to = y.data() + r * dim;
    const float* from = residual.defined() ? residual.data() + r * dim : nullptr;
    for_vectors(dim, [&](std::int64_t at, auto count) {
      Vector sum = from ? load_count(from + at, count) : Vector{};
      for (int j = 0; j < k; ++j) {
        const auto choice = static_cast<std::size_t>(r * k + j);
        if (row[choice] < 0) continue;
        sum += p.data()[r * experts + expert[choice]] *
               load_count(e.data() + row[choice] * dim + at, count);
      }
      store_count(to + at, sum, count);
    });
  }
}

void CpuBackend::combine_backward(const Tensor& dresidual, const Tensor& de, const Tensor& dp,
                                  const Tensor& dy, const Tensor& e, const Tensor& p,
                                  std::span<const std::int32_t> expert,
                                  std::span<const std::int32_t> row, int k) {
  const std::int64_t rows = dy.rows(), dim = dy.columns(), experts = p.columns();
  add_scaled(dresidual, dy, 1.0f);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* d = dy.data() + r * dim;
    for (int j = 0; j < k; ++j) {
      const auto choice = static_cast<std::size_t>(r * k + j);
      if (row[choice] < 0) continue;
      const std::int64_t probability = r * experts + expert[choice];
      if (de.defined())
        cpu::add_scaled(de.data() + row[choice] * dim, d, p.data()[probability], dim);
      if (dp.defined()) dp.data()[probability] += dot(d, e.data() + row[choice] * dim, dim);
    }
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
