// The optimiser's step and the norm of a gradient.
#include <cmath>

#include "core/base/pooled_vector.h"
#include "core/cuda/backend.h"
#include "core/cuda/launch.h"

namespace semwave::cuda {

double CudaBackend::sum_of_squares(const Tensor& x) {
  constexpr std::int64_t part = 4096;  // numbers a warp
  const std::int64_t size = x.size(), parts = (size + part - 1) / part;
  const Scratch<double> scratch(stream_, parts);
  double* sums = scratch.data();
  const float* from = x.data();
  for_each_warp("sum_of_squares", *stream_, parts, [=] __device__(std::int64_t i, int lane) {
    const std::int64_t end = (i + 1) * part < size ? (i + 1) * part : size;
    double sum = 0;
    for (std::int64_t at = i * part + lane; at < end; at += warp_size)
      sum += static_cast<double>(from[at]) * static_cast<double>(from[at]);
    sum = warp_sum(sum);
    if (lane == 0) sums[i] = sum;
  });
  PooledVector<double> of_parts(static_cast<std::size_t>(parts));
  copy_to_host(of_parts.data(), sums, of_parts.size() * sizeof(double), *stream_);
  double total = 0;
  for (const double sum : of_parts) total += sum;
  return total;
}

void CudaBackend::adamw(const Tensor& value, const Tensor& gradient, const Tensor& first_moment,
                        const Tensor& second_moment, const AdamW& settings, float gradient_scale) {
  assert(gradient.size() == value.size() && first_moment.size() == value.size() &&
         second_moment.size() == value.size() && settings.step >= 1);
  const double step = static_cast<double>(settings.step);
  const float correct1 =
      static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(settings.beta1), step)));
  const float correct2 =
      static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(settings.beta2), step)));
  const float kept = 1.0f - settings.learning_rate * settings.weight_decay;
  const AdamW s = settings;
  float *to = value.data(), *first = first_moment.data(), *second = second_moment.data();
  const float* from = gradient.data();
  for_each("adamw", *stream_, value.size(), [=] __device__(std::int64_t i) {
    const float g = from[i] * gradient_scale;
    const float m = first[i] = fmaf(first[i], s.beta1, g * (1.0f - s.beta1));
    const float v = second[i] = fmaf(second[i], s.beta2, g * g * (1.0f - s.beta2));
    to[i] = to[i] * kept - s.learning_rate * (m * correct1 / (sqrtf(v * correct2) + s.epsilon));
  });
}

}  // namespace semwave::cuda
