// Signal kernels of CUDA devices, enqueued on the stream that core's backend uses: a thread for
// each complex row, a warp for each segment.
#include <cmath>

#include "core/cuda/launch.h"
#include "core/cuda/memory.h"
#include "phy/signal/signal_kernels.h"

namespace semwave {
namespace {

using namespace cuda;

constexpr float faded_out = 1e-12f;  // |h|^2 below which nothing is heard
constexpr float faded_out_variance = 1e12f;

/// The real factor g of the equaliser c = g conj(h).
__device__ inline float equaliser_factor(float power, float noise_variance, bool zero_forcing) {
  const float divisor = zero_forcing ? power : power + noise_variance;
  return divisor < faded_out ? 0.0f : 1.0f / divisor;
}

class CudaSignalKernels final : public SignalKernels {
 public:
  void unit_power(const Tensor& y, const Tensor& scale, const Tensor& x,
                  std::span<const std::int32_t> segments) const override {
    const StreamPtr on = stream();
    const Upload<std::int32_t> list(on, segments);
    const std::int32_t* starts = list.data();
    float *out = y.data(), *factors = data_or_null(scale);
    const float* in = x.data();
    for_each_warp("unit_power", *on, static_cast<std::int64_t>(segments.size()) - 1,
                  [=] __device__(std::int64_t s, int lane) {
                    const std::int64_t begin = 2 * std::int64_t{starts[s]},
                                       end = 2 * std::int64_t{starts[s + 1]};
                    double sum = 0;
                    for (std::int64_t j = begin + lane; j < end; j += warp_size)
                      sum += static_cast<double>(in[j]) * static_cast<double>(in[j]);
                    sum = warp_sum(sum);
                    const double factor =
                        sum > 0 ? sqrt(0.5 * static_cast<double>(end - begin) / sum) : 0.0;
                    for (std::int64_t j = begin + lane; j < end; j += warp_size)
                      out[j] = static_cast<float>(factor * static_cast<double>(in[j]));
                    if (factors && lane == 0) factors[s] = static_cast<float>(factor);
                  });
  }

  void unit_power_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, const Tensor& scale,
                           std::span<const std::int32_t> segments) const override {
    if (!dx.defined()) return;
    const StreamPtr on = stream();
    const Upload<std::int32_t> list(on, segments);
    const std::int32_t* starts = list.data();
    float* to = dx.data();
    const float *from = dy.data(), *out = y.data(), *factors = scale.data();
    for_each_warp("unit_power_backward", *on, static_cast<std::int64_t>(segments.size()) - 1,
                  [=] __device__(std::int64_t s, int lane) {
                    const std::int64_t begin = 2 * std::int64_t{starts[s]},
                                       end = 2 * std::int64_t{starts[s + 1]};
                    if (begin == end) return;  // the whole warp
                    double sum = 0;
                    for (std::int64_t j = begin + lane; j < end; j += warp_size)
                      sum += static_cast<double>(from[j]) * static_cast<double>(out[j]);
                    const double mean = 2 * warp_sum(sum) / static_cast<double>(end - begin),
                                 factor = static_cast<double>(factors[s]);
                    for (std::int64_t j = begin + lane; j < end; j += warp_size)
                      to[j] += static_cast<float>(factor * (static_cast<double>(from[j]) -
                                                            mean * static_cast<double>(out[j])));
                  });
  }

  void fade_and_noise(const Tensor& y, const Tensor& x, const Tensor& gains,
                      const Tensor& noise) const override {
    float* out = y.data();
    const float *in = x.data(), *h = gains.data(), *n = noise.data();
    for_each("fade_and_noise", *stream(), x.size() / 2, [=] __device__(std::int64_t r) {
      const std::int64_t j = 2 * r;
      out[j] = h[j] * in[j] - h[j + 1] * in[j + 1] + n[j];
      out[j + 1] = h[j] * in[j + 1] + h[j + 1] * in[j] + n[j + 1];
    });
  }

  void fade_and_noise_backward(const Tensor& dx, const Tensor& dy,
                               const Tensor& gains) const override {
    if (!dx.defined()) return;
    float* to = dx.data();
    const float *from = dy.data(), *h = gains.data();
    for_each("fade_and_noise_backward", *stream(), dy.size() / 2, [=] __device__(std::int64_t r) {
      const std::int64_t j = 2 * r;
      to[j] += h[j] * from[j] + h[j + 1] * from[j + 1];
      to[j + 1] += h[j] * from[j + 1] - h[j + 1] * from[j];
    });
  }

  void equalise(const Tensor& symbols, const Tensor& variance, const Tensor& y, const Tensor& gains,
                const Tensor& noise_variance, Equaliser kind) const override {
    float *out = symbols.data(), *error = variance.data();
    const float *in = y.data(), *h = gains.data(), *n0 = noise_variance.data();
    const bool zero_forcing = kind == Equaliser::zero_forcing;
    for_each("equalise", *stream(), noise_variance.size(), [=] __device__(std::int64_t r) {
      const std::int64_t j = 2 * r;
      const float power = h[j] * h[j] + h[j + 1] * h[j + 1],
                  factor = equaliser_factor(power, n0[r], zero_forcing);
      out[j] = factor * (h[j] * in[j] + h[j + 1] * in[j + 1]);
      out[j + 1] = factor * (h[j] * in[j + 1] - h[j + 1] * in[j]);
      error[r] = factor > 0 ? n0[r] * factor : zero_forcing ? faded_out_variance : 1.0f;
    });
  }

  void equalise_backward(const Tensor& dy, const Tensor& dx, const Tensor& gains,
                         const Tensor& noise_variance, Equaliser kind) const override {
    if (!dy.defined()) return;
    float* to = dy.data();
    const float *from = dx.data(), *h = gains.data(), *n0 = noise_variance.data();
    const bool zero_forcing = kind == Equaliser::zero_forcing;
    for_each("equalise_backward", *stream(), noise_variance.size(), [=] __device__(std::int64_t r) {
      const std::int64_t j = 2 * r;
      const float power = h[j] * h[j] + h[j + 1] * h[j + 1],
                  factor = equaliser_factor(power, n0[r], zero_forcing);
      to[j] += factor * (h[j] * from[j] - h[j + 1] * from[j + 1]);
      to[j + 1] += factor * (h[j] * from[j + 1] + h[j + 1] * from[j]);
    });
  }
};

}  // namespace

const SignalKernels& cuda_signal_kernels() {
  static const CudaSignalKernels kernels;
  return kernels;
}

}  // namespace semwave
