// The kernels of phy/signal/signal.h on one device. Single-threaded, stateless, safe to share;
// backward kernels accumulate. A complex row is two floats, I and Q.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/tensor.h"
#include "phy/signal/signal.h"

namespace semwave {

class SignalKernels {
 public:
  virtual ~SignalKernels() = default;

  /// y = x scale, scale = 1/sqrt(mean |x|^2) of the segment (0 for a segment without power); sums
  /// in double, in order.
  virtual void unit_power(const Tensor& y /*[total, 2]*/,
                          const Tensor& scale /*[segments] or undefined*/,
                          const Tensor& x /*[total, 2]*/,
                          std::span<const std::int32_t> segments /*[segments + 1]*/) const = 0;
  /// dx += scale (dy - y mean <dy, y>), means over the segment: the second term is the derivative
  /// through the power.
  virtual void unit_power_backward(const Tensor& dx, const Tensor& dy, const Tensor& y,
                                   const Tensor& scale,
                                   std::span<const std::int32_t> segments) const = 0;
  /// y = h x + n.
  virtual void fade_and_noise(const Tensor& y, const Tensor& x, const Tensor& gains,
                              const Tensor& noise) const = 0;
  /// dx += conj(h) dy.
  virtual void fade_and_noise_backward(const Tensor& dx, const Tensor& dy,
                                       const Tensor& gains) const = 0;
  /// `kind` is one without a law.
  virtual void equalise(const Tensor& symbols /*[total, 2]*/, const Tensor& variance /*[total]*/,
                        const Tensor& y, const Tensor& gains,
                        const Tensor& noise_variance /*[total]*/, Equaliser kind) const = 0;
  /// dy += conj(c) dx, c the factor of the equaliser.
  virtual void equalise_backward(const Tensor& dy, const Tensor& dx, const Tensor& gains,
                                 const Tensor& noise_variance, Equaliser kind) const = 0;
};

/// Throws Error where the program was built without this device.
const SignalKernels& signal_kernels(DeviceKind device);

const SignalKernels& cpu_signal_kernels();
const SignalKernels& cuda_signal_kernels();

}  // namespace semwave
