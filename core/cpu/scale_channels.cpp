// Each channel of each picture times a number.
#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {

void CpuBackend::scale_channels(const Tensor& y, const Tensor& x, const Tensor& scale) {
  const std::int64_t channels = scale.columns(), images = scale.rows(),
                     rows = images == 0 ? 0 : x.rows() / images;
  assert(y.size() == x.size() && x.size() == images * rows * channels);
  for (std::int64_t image = 0; image < images; ++image)
    for_vectors(channels, [&](std::int64_t at, auto count) {
      const Vector factor = load_count(scale.data() + image * channels + at, count);
      for (std::int64_t row = image * rows; row < (image + 1) * rows; ++row)
        store_count(y.data() + row * channels + at,
                    load_count(x.data() + row * channels + at, count) * factor, count);
    });
}

void CpuBackend::scale_channels_backward(const Tensor& dx, const Tensor& dscale, const Tensor& dy,
                                         const Tensor& x, const Tensor& scale) {
  const std::int64_t channels = scale.columns(), images = scale.rows(),
                     rows = images == 0 ? 0 : x.rows() / images;
  assert(dy.size() == x.size() && x.size() == images * rows * channels);
  for (std::int64_t image = 0; image < images; ++image)
    for_vectors(channels, [&](std::int64_t at, auto count) {
      const Vector factor = load_count(scale.data() + image * channels + at, count);
      Vector sum{};
      for (std::int64_t row = image * rows; row < (image + 1) * rows; ++row) {
        const std::int64_t place = row * channels + at;
        const Vector d = load_count(dy.data() + place, count);
        sum += d * load_count(x.data() + place, count);
        if (dx.defined())
          store_count(dx.data() + place, load_count(dx.data() + place, count) + d * factor, count);
      }
      if (!dscale.defined()) return;
      float* to = dscale.data() + image * channels + at;
      store_count(to, load_count(to, count) + sum, count);
    });
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
