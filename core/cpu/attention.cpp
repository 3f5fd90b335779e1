// Ragged attention: per image and head the same register tile computes Q K^T, P V and their
// derivatives.
#include <algorithm>
#include <cmath>

#include "core/cpu/backend.h"
#include "core/cpu/product.h"
#include "core/cpu/row_functions.h"
#include "core/cpu/scratch.h"
#include "core/cpu/transpose.h"
#include "core/tensor/ragged.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

/// Rows of dP become rows of dS = P (dP - <P, dP>) scale, a few at a time as in softmax_rows.
template <int count_of_rows>
void scores_backward(float* ds, std::int64_t stride, const float* p, std::int64_t rows,
                     float scale) {
  Vector sum[count_of_rows] = {};
  float mean[count_of_rows];
  for_vectors(rows, [&](std::int64_t at, auto count) {
#pragma GCC unroll 8
    for (int r = 0; r < count_of_rows; ++r)
      sum[r] += load_count(p + r * rows + at, count) * load_count(ds + r * stride + at, count);
  });
#pragma GCC unroll 8
  for (int r = 0; r < count_of_rows; ++r) mean[r] = sum_of(sum[r]);
  for_vectors(rows, [&](std::int64_t at, auto count) {
#pragma GCC unroll 8
    for (int r = 0; r < count_of_rows; ++r) {
      const Vector d = load_count(ds + r * stride + at, count) - mean[r];
      store_count(ds + r * stride + at, (load_count(p + r * rows + at, count) * scale) * d, count);
    }
  });
}

/// The table of a bias as the rows of one image see it. Neighbours on the grid, as in a full
/// window, read it in place.
class ImageBias {
 public:
  ImageBias(const Tensor& bias, const Ragged& layout, std::int64_t first, std::int64_t rows)
      : places_(bias.shape()[2]),
        positions_(layout.positions.data() + first),
        rows_(rows),
        adjacent_(positions_[rows - 1] - positions_[0] == rows - 1) {
    assert(positions_[rows - 1] < places_);
  }

  /// x += scale times the bias of one query for each key.
  void add_to(float* x, const float* of_head, std::int64_t query, float scale) const {
    const float* row = of_head + positions_[query] * places_;
    if (adjacent_) return add_scaled(x, row + positions_[0], scale, rows_);
    for (std::int64_t key = 0; key < rows_; ++key) x[key] += scale * row[positions_[key]];
  }
  /// The derivative of add_to.
  void add_from(float* of_head, const float* dx, std::int64_t query, float scale) const {
    float* row = of_head + positions_[query] * places_;
    if (adjacent_) return add_scaled(row + positions_[0], dx, scale, rows_);
    for (std::int64_t key = 0; key < rows_; ++key) row[positions_[key]] += scale * dx[key];
  }

 private:
  std::int64_t places_;
  const std::int32_t* positions_;
  std::int64_t rows_;
  bool adjacent_;
};

/// Of one head in a table [heads, places, places].
float* head_of(const Tensor& bias, int head) {
  return bias.data() + head * bias.shape()[1] * bias.shape()[2];
}

}  // namespace

void CpuBackend::attention(const Tensor& y, const Tensor& weights, const Tensor& qkv,
                           const Ragged& layout, int heads, const Tensor& bias) {
  if (layout.rows() == 0) return;
  const std::int64_t dim = y.columns(), stride = 3 * dim, size = dim / heads;
  assert(qkv.columns() == stride && dim % heads == 0 && y.rows() == layout.rows());
  assert(!weights.defined() || weights.size() == attention_weights_size(layout, heads));
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  float* kept = weights.defined() ? weights.data() : nullptr;
  for (int image = 0; image < layout.images(); ++image) {
    const std::int64_t rows = layout.rows_of(image), padded = round_up(rows);
    if (rows == 0) continue;
    const std::int64_t first = layout.starts[static_cast<std::size_t>(image)];
    const float* q = qkv.data() + first * stride;
    float* k_transposed = scratch(Scratch::transposed, dim * padded);
    transpose(k_transposed, padded, q + dim, stride, rows, dim);
    float* p = scratch(Scratch::scores, rows * padded);
    for (int head = 0; head < heads; ++head) {
      const std::int64_t at = head * size;
      multiply(Write::set, rows, padded, size, {q + at, stride, Order::by_rows},
               k_transposed + at * padded, padded, p, padded);
      if (bias.defined()) {
        const ImageBias added(bias, layout, first, rows);
        for (std::int64_t row = 0; row < rows; ++row)
          added.add_to(p + row * padded, head_of(bias, head), row, 1 / scale);
      }
      cpu::softmax(p, p, rows, padded, rows, scale);
      if (kept) {
        for (std::int64_t row = 0; row < rows; ++row, kept += rows)
          copy_row(kept, p + row * padded, rows);
      }
      multiply(Write::set, rows, size, rows, {p, padded, Order::by_rows}, q + 2 * dim + at, stride,
               y.data() + first * dim + at, dim);
    }
  }
}

void CpuBackend::received_attention(const Tensor& y, const Tensor& weights, const Ragged& layout,
                                    int heads) {
  assert(y.size() == layout.rows() && weights.size() == attention_weights_size(layout, heads));
  fill(y, 0.0f);
  const float* p = weights.data();
  for (int image = 0; image < layout.images(); ++image) {
    const std::int64_t rows = layout.rows_of(image);
    float* to = y.data() + layout.starts[static_cast<std::size_t>(image)];
    const float share = 1.0f / static_cast<float>(std::max<std::int64_t>(1, heads * rows));
    for (std::int64_t row = 0; row < heads * rows; ++row, p += rows)
      cpu::add_scaled(to, p, share, rows);
  }
}

void CpuBackend::attention_backward(const Tensor& dqkv, const Tensor& dbias, const Tensor& dy,
                                    const Tensor& weights, const Tensor& qkv, const Ragged& layout,
                                    int heads) {
  if (!dqkv.defined() || layout.rows() == 0) return;
  const std::int64_t dim = dy.columns(), stride = 3 * dim, size = dim / heads;
  assert(weights.size() == attention_weights_size(layout, heads));
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  const float* p = weights.data();
  for (int image = 0; image < layout.images(); ++image) {
    const std::int64_t rows = layout.rows_of(image), padded = round_up(rows);
    if (rows == 0) continue;
    const std::int64_t first = layout.starts[static_cast<std::size_t>(image)];
    const float* q = qkv.data() + first * stride;
    float* dq = dqkv.data() + first * stride;
    float* v_transposed = scratch(Scratch::transposed, dim * padded);
    transpose(v_transposed, padded, q + 2 * dim, stride, rows, dim);
    float* ds = scratch(Scratch::scores, rows * padded);
    for (int head = 0; head < heads; ++head, p += rows * rows) {
      const std::int64_t at = head * size;
      const float* d = dy.data() + first * dim + at;
      multiply(Write::set, rows, padded, size, {d, dim, Order::by_rows}, v_transposed + at * padded,
               padded, ds, padded);
      std::int64_t row = 0;
      for (; row + 4 <= rows; row += 4)
        scores_backward<4>(ds + row * padded, padded, p + row * rows, rows, scale);
      for (; row < rows; ++row)
        scores_backward<1>(ds + row * padded, padded, p + row * rows, rows, scale);
      if (dbias.defined()) {
        const ImageBias added(dbias, layout, first, rows);
        for (std::int64_t query = 0; query < rows; ++query)
          added.add_from(head_of(dbias, head), ds + query * padded, query, 1 / scale);
      }
      multiply(Write::add, rows, size, rows, {ds, padded, Order::by_rows}, q + dim + at, stride,
               dq + at, stride);
      multiply(Write::add, rows, size, rows, {ds, padded, Order::by_columns}, q + at, stride,
               dq + dim + at, stride);
      multiply(Write::add, rows, size, rows, {p, rows, Order::by_columns}, d, dim,
               dq + 2 * dim + at, stride);
    }
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
