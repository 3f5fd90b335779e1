// Sequence pooling: a softmax over the scores of an image's rows weighs the rows.
#include <algorithm>

#include "core/cpu/backend.h"
#include "core/cpu/row_functions.h"
#include "core/cpu/scratch.h"
#include "core/tensor/ragged.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::pool(const Tensor& y, const Tensor& weights, const Tensor& x, const Tensor& score,
                      const Ragged& layout) {
  const std::int64_t dim = y.columns();
  assert(y.rows() == layout.images() && x.size() == layout.rows() * dim &&
         score.size() == layout.rows());
  float* w = weights.defined() ? weights.data() : scratch(Scratch::row, layout.rows());
  for (int image = 0; image < layout.images(); ++image) {
    const std::int64_t first = layout.starts[static_cast<std::size_t>(image)],
                       rows = layout.rows_of(image);
    float* to = y.data() + image * dim;
    std::fill_n(to, dim, 0.0f);
    if (rows == 0) continue;
    cpu::softmax(w + first, score.data() + first, 1, 0, rows, 1.0f);
    for (std::int64_t row = first; row < first + rows; ++row)
      cpu::add_scaled(to, x.data() + row * dim, w[row], dim);
  }
}

void CpuBackend::pool_backward(const Tensor& dx, const Tensor& dscore, const Tensor& dy,
                               const Tensor& x, const Tensor& weights, const Ragged& layout) {
  const std::int64_t dim = dy.columns();
  const float* w = weights.data();
  for (int image = 0; image < layout.images(); ++image) {
    const std::int64_t first = layout.starts[static_cast<std::size_t>(image)],
                       rows = layout.rows_of(image);
    const float* d = dy.data() + image * dim;
    if (dx.defined())
      for (std::int64_t row = first; row < first + rows; ++row)
        cpu::add_scaled(dx.data() + row * dim, d, w[row], dim);
    if (dscore.defined()) {
      float* dw = scratch(Scratch::row, rows);
      for (std::int64_t row = 0; row < rows; ++row)
        dw[row] = dot(d, x.data() + (first + row) * dim, dim);
      cpu::softmax_backward(dscore.data() + first, dw, w + first, rows, 1.0f);
    }
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
