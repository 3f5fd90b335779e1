// The optimiser's step and the norm of a gradient.
#include <cmath>

#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

Vector square_root(Vector x) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vector>(_mm512_maskz_sqrt_ps(0xffff, reinterpret_cast<__m512>(x)));
#else
  for (int lane = 0; lane < vector_width; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
  return x;
#endif
}

}  // namespace

double CpuBackend::sum_of_squares(const Tensor& x) {
  typedef double Doubles __attribute__((vector_size(vector_width * sizeof(double))));
  Doubles sum{};
  for_vectors(x.size(), [&](std::int64_t at, auto count) {
    const Doubles values = __builtin_convertvector(load_count(x.data() + at, count), Doubles);
    sum += values * values;
  });
  double total = 0;
  for (int lane = 0; lane < vector_width; ++lane) total += sum[lane];
  return total;
}

void CpuBackend::adamw(const Tensor& value, const Tensor& gradient, const Tensor& first_moment,
                       const Tensor& second_moment, const AdamW& settings, float gradient_scale) {
  assert(gradient.size() == value.size() && first_moment.size() == value.size() &&
         second_moment.size() == value.size() && settings.step >= 1);
  const double step = static_cast<double>(settings.step);
  const float correct1 =
      static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(settings.beta1), step)));
  const float correct2 =
      static_cast<float>(1.0 / (1.0 - std::pow(static_cast<double>(settings.beta2), step)));
  const float kept = 1.0f - settings.learning_rate * settings.weight_decay;
  for_vectors(value.size(), [&](std::int64_t at, auto count) {
    const Vector g = load_count(gradient.data() + at, count) * gradient_scale;
    const Vector m =
        load_count(first_moment.data() + at, count) * settings.beta1 + g * (1.0f - settings.beta1);
    const Vector v = load_count(second_moment.data() + at, count) * settings.beta2 +
                     (g * g) * (1.0f - settings.beta2);
    store_count(first_moment.data() + at, m, count);
    store_count(second_moment.data() + at, v, count);
    const Vector direction = (m * correct1) / (square_root(v * correct2) + settings.epsilon);
    store_count(value.data() + at,
                load_count(value.data() + at, count) * kept - direction * settings.learning_rate,
                count);
  });
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
