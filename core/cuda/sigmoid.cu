// The logistic function of each number.
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {

void CudaBackend::sigmoid(const Tensor& y, const Tensor& x) {
  assert(y.size() == x.size());
  float* to = y.data();
  const float* from = x.data();
  for_each("sigmoid", *stream_, x.size(),
           [=] __device__(std::int64_t i) { to[i] = 1.0f / (1.0f + expf(-from[i])); });
}

void CudaBackend::sigmoid_backward(const Tensor& dx, const Tensor& dy, const Tensor& y) {
  if (!dx.defined()) return;
  assert(dx.size() == y.size() && dy.size() == y.size());
  float* to = dx.data();
  const float *d = dy.data(), *value = y.data();
  for_each("sigmoid_backward", *stream_, y.size(), [=] __device__(std::int64_t i) {
    to[i] = fmaf(d[i], value[i] * (1.0f - value[i]), to[i]);
  });
}

}  // namespace semwave::cuda
