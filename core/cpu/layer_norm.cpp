// Layer norm over the last axis, with an optional modulation of scale and shift by each image.
#include <cmath>

#include "core/cpu/backend.h"
#include "core/cpu/vector.h"

namespace semwave::cpu {
namespace {

constexpr float epsilon = 1e-5f;

struct Moments {
  float mean, rstd;
};

Moments moments_of(const float* x, std::int64_t dim) {
  Vector sum{};
  for_vectors(dim, [&](std::int64_t at, auto count) { sum += load_count(x + at, count); });
  const float mean = sum_of(sum) / static_cast<float>(dim);
  Vector squares{};
  for_vectors(dim, [&](std::int64_t at, auto count) {
    const Vector d = load_count(x + at, count, broadcast(mean)) - mean;
    squares += d * d;
  });
  return {mean, 1.0f / std::sqrt(sum_of(squares) / static_cast<float>(dim) + epsilon)};
}

}  // namespace

void CpuBackend::layer_norm(const Tensor& y, const Tensor& mean_rstd, const Tensor& x, const Tensor& gamma, const Tensor& beta,
                            const Tensor& modulation, const std::vector<std::int32_t>& image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(y.size() == x.size() && beta.size() == dim && (!modulation.defined() || static_cast<std::int64_t>(image.size()) == rows));
  assert(!mean_rstd.defined() || mean_rstd.size() == 2 * rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = x.data() + row * dim;
    float* to = y.data() + row * dim;
    const auto [mean, rstd] = moments_of(from, dim);
    if (mean_rstd.defined()) {
      mean_rstd.data()[2 * row] = mean;
      mean_rstd.data()[2 * row + 1] = rstd;
    }
    const float* scale = modulation.defined() ? modulation.data() + 2 * dim * image[static_cast<std::size_t>(row)] : nullptr;
    for_vectors(dim, [&](std::int64_t at, auto count) {
      Vector g = load_count(gamma.data() + at, count), b = load_count(beta.data() + at, count);
      if (scale) {
        g += load_count(scale + at, count);
        b += load_count(scale + dim + at, count);
      }
      store_count(to + at, ((load_count(from + at, count) - mean) * rstd) * g + b, count);
    });
  }
}

// With h = (x - mean) rstd and e = dy (gamma + scale): dx = rstd (e - mean(e) - h mean(e h)).
void CpuBackend::layer_norm_backward(const Tensor& dx, const Tensor& dgamma, const Tensor& dbeta, const Tensor& dmodulation, const Tensor& dy,
                                     const Tensor& x, const Tensor& mean_rstd, const Tensor& gamma, const Tensor& modulation,
                                     const std::vector<std::int32_t>& image) {
  const std::int64_t dim = gamma.size(), rows = x.size() / dim;
  assert(dy.size() == x.size() && mean_rstd.size() == 2 * rows);
  float* to_gamma = dgamma.defined() ? dgamma.data() : nullptr;
  float* to_beta = dbeta.defined() ? dbeta.data() : nullptr;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = x.data() + row * dim;
    const float* d = dy.data() + row * dim;
    const float mean = mean_rstd.data()[2 * row], rstd = mean_rstd.data()[2 * row + 1];
    const std::int64_t of_image = modulation.defined() || dmodulation.defined() ? 2 * dim * image[static_cast<std::size_t>(row)] : 0;
    const float* scale = modulation.defined() ? modulation.data() + of_image : nullptr;
    float* to_scale = dmodulation.defined() ? dmodulation.data() + of_image : nullptr;
    const auto incoming = [&](std::int64_t at, auto count, Vector derivative) {  // e
      Vector g = load_count(gamma.data() + at, count);
      if (scale) g += load_count(scale + at, count);
      return derivative * g;
    };
    const auto add = [](float* to, Vector value, auto count) { store_count(to, load_count(to, count) + value, count); };
    Vector sum{}, sum_h{};
    for_vectors(dim, [&](std::int64_t at, auto count) {
      const Vector derivative = load_count(d + at, count);
      const Vector h = (load_count(from + at, count) - mean) * rstd;
      const Vector e = incoming(at, count, derivative);
      sum += e;
      sum_h += e * h;
      const Vector for_gamma = derivative * h;
      if (to_gamma) add(to_gamma + at, for_gamma, count);
      if (to_beta) add(to_beta + at, derivative, count);
      if (to_scale) {
        add(to_scale + at, for_gamma, count);
        add(to_scale + dim + at, derivative, count);
      }
    });
    if (!dx.defined()) continue;
    const float mean_e = sum_of(sum) / static_cast<float>(dim), mean_eh = sum_of(sum_h) / static_cast<float>(dim);
    float* to = dx.data() + row * dim;
    for_vectors(dim, [&](std::int64_t at, auto count) {
      const Vector h = (load_count(from + at, count) - mean) * rstd;
      const Vector e = incoming(at, count, load_count(d + at, count));
      add(to + at, (e - mean_e - h * mean_eh) * rstd, count);
    });
  }
}

}  // namespace semwave::cpu
