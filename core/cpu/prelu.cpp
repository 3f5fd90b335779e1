// A slope below zero, of each channel or one of all.
#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

/// One slope serves a tensor as one long row.
struct Matrix {
  Matrix(const Tensor& x, const Tensor& slope)
      : columns(slope.size() == 1 ? x.size() : x.columns()),
        rows(columns == 0 ? 0 : x.size() / columns),
        one(slope.size() == 1) {
    assert(one || slope.size() == columns);
  }
  template <class Count>
  Vector slope(const Tensor& of, std::int64_t at, Count count) const {
    return one ? broadcast(of.data()[0]) : load_count(of.data() + at, count);
  }
  std::int64_t columns, rows;
  bool one;
};

}  // namespace

void CpuBackend::prelu(const Tensor& y, const Tensor& x, const Tensor& slope) {
  const Matrix matrix(x, slope);
  assert(y.size() == x.size());
  for_vectors(matrix.columns, [&](std::int64_t at, auto count) {
    const Vector below = matrix.slope(slope, at, count);
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
      const std::int64_t place = row * matrix.columns + at;
      const Vector value = load_count(x.data() + place, count);
      store_count(y.data() + place, value > 0.0f ? value : value * below, count);
    }
  });
}

void CpuBackend::prelu_backward(const Tensor& dx, const Tensor& dslope, const Tensor& dy,
                                const Tensor& x, const Tensor& slope) {
  const Matrix matrix(x, slope);
  assert(dy.size() == x.size());
  Vector all{};
  for_vectors(matrix.columns, [&](std::int64_t at, auto count) {
    const Vector below = matrix.slope(slope, at, count);
    Vector sum{};
    for (std::int64_t row = 0; row < matrix.rows; ++row) {
      const std::int64_t place = row * matrix.columns + at;
      const Vector value = load_count(x.data() + place, count),
                   d = load_count(dy.data() + place, count);
      sum += value > 0.0f ? Vector{} : d * value;
      if (dx.defined())
        store_count(dx.data() + place,
                    load_count(dx.data() + place, count) + (value > 0.0f ? d : d * below), count);
    }
    all += sum;
    if (dslope.defined() && !matrix.one)
      store_count(dslope.data() + at, load_count(dslope.data() + at, count) + sum, count);
  });
  if (dslope.defined() && matrix.one) dslope.data()[0] += sum_of(all);
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
