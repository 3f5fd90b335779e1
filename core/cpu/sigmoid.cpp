// The logistic function of each number.
#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::sigmoid(const Tensor& y, const Tensor& x) {
  assert(y.size() == x.size());
  for_vectors(x.size(), [&](std::int64_t at, auto count) {
    store_count(y.data() + at, cpu::sigmoid(load_count(x.data() + at, count)), count);
  });
}

void CpuBackend::sigmoid_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) {
  if (!dx.defined()) return;
  assert(dx.size() == y.size() && dy.size() == y.size());
  for_vectors(y.size(), [&](std::int64_t at, auto count) {
    const Vector value = load_count(y.data() + at, count);
    store_count(dx.data() + at,
                load_count(dx.data() + at, count) +
                    load_count(dy.data() + at, count) * value * (1.0f - value),
                count);
  });
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
