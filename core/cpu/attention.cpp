// Ragged attention: per image and head the same register tile computes Q K^T, P V and their derivatives.
#include <algorithm>
#include <cmath>

#include "core/cpu/backend.h"
#include "core/cpu/product.h"
#include "core/cpu/row_functions.h"
#include "core/cpu/scratch.h"
#include "core/cpu/transpose.h"
#include "core/tokens.h"

namespace semwave {

std::int64_t Backend::attention_weights_size(const Ragged& layout, int heads) {
  std::int64_t size = 0;
  for (int image = 0; image < layout.images(); ++image) size += std::int64_t{heads} * layout.rows_of(image) * layout.rows_of(image);
  return size;
}

namespace cpu {

void CpuBackend::attention(const Tensor& y, const Tensor& weights, const Tensor& qkv, const Ragged& layout, int heads) {
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
      multiply(Write::set, rows, padded, size, {q + at, stride, Order::by_rows}, k_transposed + at * padded, padded, p, padded);
      for (std::int64_t row = 0; row < rows; ++row) {
        cpu::softmax(p + row * padded, p + row * padded, rows, scale);
        if (kept) kept = std::copy_n(p + row * padded, rows, kept);
      }
      multiply(Write::set, rows, size, rows, {p, padded, Order::by_rows}, q + 2 * dim + at, stride, y.data() + first * dim + at, dim);
    }
  }
}

void CpuBackend::attention_backward(const Tensor& dqkv, const Tensor& dy, const Tensor& weights, const Tensor& qkv, const Ragged& layout, int heads) {
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
      multiply(Write::set, rows, padded, size, {d, dim, Order::by_rows}, v_transposed + at * padded, padded, ds, padded);
      for (std::int64_t row = 0; row < rows; ++row) {
        float* of_row = ds + row * padded;
        const float* p_row = p + row * rows;
        const float mean = dot(p_row, of_row, rows);
        for_vectors(rows, [&](std::int64_t j, auto count) {
          store_count(of_row + j, load_count(p_row + j, count) * (load_count(of_row + j, count) - mean) * scale, count);
        });
      }
      multiply(Write::add, rows, size, rows, {ds, padded, Order::by_rows}, q + dim + at, stride, dq + at, stride);
      multiply(Write::add, rows, size, rows, {ds, padded, Order::by_columns}, q + at, stride, dq + dim + at, stride);
      multiply(Write::add, rows, size, rows, {p, rows, Order::by_columns}, d, dim, dq + 2 * dim + at, stride);
    }
  }
}

}  // namespace cpu
}  // namespace semwave
