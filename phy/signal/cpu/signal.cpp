// Signal kernels of the CPU: plain loops over complex rows.
#include <cmath>

#include "phy/signal/signal_kernels.h"

namespace semwave {
namespace {

constexpr float faded_out = 1e-12f;  // |h|^2 below which nothing is heard
constexpr float faded_out_variance = 1e12f;

/// The real factor g of the equaliser c = g conj(h).
float equaliser_factor(float power, float noise_variance, bool zero_forcing) {
  const float divisor = zero_forcing ? power : power + noise_variance;
  return divisor < faded_out ? 0.0f : 1.0f / divisor;
}

class CpuSignalKernels final : public SignalKernels {
 public:
  void unit_power(const Tensor& y, const Tensor& scale, const Tensor& x,
                  std::span<const std::int32_t> segments) const override {
    const float* in = x.data();
    float* out = y.data();
    for (std::size_t s = 0; s + 1 < segments.size(); ++s) {
      const std::int64_t begin = 2 * std::int64_t{segments[s]},
                         end = 2 * std::int64_t{segments[s + 1]};
      double sum = 0;
      for (std::int64_t j = begin; j < end; ++j) sum += static_cast<double>(in[j]) * in[j];
      const double factor = sum > 0 ? std::sqrt(0.5 * static_cast<double>(end - begin) / sum) : 0.0;
      for (std::int64_t j = begin; j < end; ++j) out[j] = static_cast<float>(factor * in[j]);
      if (scale.defined()) scale.data()[s] = static_cast<float>(factor);
    }
  }

  void unit_power_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, const Tensor& scale,
                           std::span<const std::int32_t> segments) const override {
    if (!dx.defined()) return;
    float* to = dx.data();
    const float *from = dy.data(), *out = y.data();
    for (std::size_t s = 0; s + 1 < segments.size(); ++s) {
      const std::int64_t begin = 2 * std::int64_t{segments[s]},
                         end = 2 * std::int64_t{segments[s + 1]};
      if (begin == end) continue;
      double sum = 0;
      for (std::int64_t j = begin; j < end; ++j) sum += static_cast<double>(from[j]) * out[j];
      const double mean = 2 * sum / static_cast<double>(end - begin), factor = scale.data()[s];
      for (std::int64_t j = begin; j < end; ++j)
        to[j] += static_cast<float>(factor * (from[j] - mean * out[j]));
    }
  }

  void fade_and_noise(const Tensor& y, const Tensor& x, const Tensor& gains,
                      const Tensor& noise) const override {
    float* out = y.data();
    const float *in = x.data(), *h = gains.data(), *n = noise.data();
    for (std::int64_t j = 0; j < x.size(); j += 2) {
      out[j] = h[j] * in[j] - h[j + 1] * in[j + 1] + n[j];
      out[j + 1] = h[j] * in[j + 1] + h[j + 1] * in[j] + n[j + 1];
    }
  }

  void fade_and_noise_backward(const Tensor& dx, const Tensor& dy,
                               const Tensor& gains) const override {
    if (!dx.defined()) return;
    float* to = dx.data();
    const float *from = dy.data(), *h = gains.data();
    for (std::int64_t j = 0; j < dy.size(); j += 2) {
      to[j] += h[j] * from[j] + h[j + 1] * from[j + 1];
      to[j + 1] += h[j] * from[j + 1] - h[j + 1] * from[j];
    }
  }

  void equalise(const Tensor& symbols, const Tensor& variance, const Tensor& y, const Tensor& gains,
                const Tensor& noise_variance, Equaliser kind) const override {
    float *out = symbols.data(), *error = variance.data();
    const float *in = y.data(), *h = gains.data(), *n0 = noise_variance.data();
    const bool zero_forcing = kind == Equaliser::zero_forcing;
    for (std::int64_t r = 0; r < noise_variance.size(); ++r) {
      const std::int64_t j = 2 * r;
      const float power = h[j] * h[j] + h[j + 1] * h[j + 1],
                  factor = equaliser_factor(power, n0[r], zero_forcing);
      out[j] = factor * (h[j] * in[j] + h[j + 1] * in[j + 1]);
      out[j + 1] = factor * (h[j] * in[j + 1] - h[j + 1] * in[j]);
      error[r] = factor > 0 ? n0[r] * factor : zero_forcing ? faded_out_variance : 1.0f;
    }
  }

  void equalise_backward(const Tensor& dy, const Tensor& dx, const Tensor& gains,
                         const Tensor& noise_variance, Equaliser kind) const override {
    if (!dy.defined()) return;
    float* to = dy.data();
    const float *from = dx.data(), *h = gains.data(), *n0 = noise_variance.data();
    const bool zero_forcing = kind == Equaliser::zero_forcing;
    for (std::int64_t r = 0; r < noise_variance.size(); ++r) {
      const std::int64_t j = 2 * r;
      const float power = h[j] * h[j] + h[j + 1] * h[j + 1],
                  factor = equaliser_factor(power, n0[r], zero_forcing);
      to[j] += factor * (h[j] * from[j] - h[j + 1] * from[j + 1]);
      to[j + 1] += factor * (h[j] * from[j + 1] + h[j + 1] * from[j]);
    }
  }
};

}  // namespace

const SignalKernels& cpu_signal_kernels() {
  static const CpuSignalKernels kernels;
  return kernels;
}

}  // namespace semwave
