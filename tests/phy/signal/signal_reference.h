// Power, fade and equalisers once more in plain loops over a scalar type, backward by hand: the
// reference of the float kernels, itself checked in double by central differences.
#pragma once

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include "core/base/pooled_vector.h"

namespace signal_reference {

template <typename T>
using Rows = std::vector<std::complex<T>>;
using Segments = semwave::PooledVector<std::int32_t>;

template <typename T>
T segment_power(const Rows<T>& x, std::size_t begin, std::size_t end) {
  T sum = 0;
  for (std::size_t r = begin; r < end; ++r) sum += std::norm(x[r]);
  return end > begin ? sum / static_cast<T>(end - begin) : T(0);
}

template <typename T>
Rows<T> unit_power(const Rows<T>& x, const Segments& segments) {
  Rows<T> y(x.size());
  for (std::size_t s = 0; s + 1 < segments.size(); ++s) {
    const auto begin = static_cast<std::size_t>(segments[s]),
               end = static_cast<std::size_t>(segments[s + 1]);
    const T power = segment_power(x, begin, end);
    for (std::size_t r = begin; r < end; ++r)
      y[r] = power > 0 ? x[r] / std::sqrt(power) : std::complex<T>();
  }
  return y;
}

/// From P = mean |x|^2: dx = dy / sqrt(P) - x (sum Re(conj(x) dy)) / (n P^(3/2)).
template <typename T>
Rows<T> unit_power_backward(const Rows<T>& dy, const Rows<T>& x, const Segments& segments) {
  Rows<T> dx(x.size());
  for (std::size_t s = 0; s + 1 < segments.size(); ++s) {
    const auto begin = static_cast<std::size_t>(segments[s]),
               end = static_cast<std::size_t>(segments[s + 1]);
    const T power = segment_power(x, begin, end);
    if (!(power > 0)) continue;
    T along = 0;
    for (std::size_t r = begin; r < end; ++r) along += (std::conj(x[r]) * dy[r]).real();
    const T factor = along / (static_cast<T>(end - begin) * power * std::sqrt(power));
    for (std::size_t r = begin; r < end; ++r) dx[r] = dy[r] / std::sqrt(power) - x[r] * factor;
  }
  return dx;
}

template <typename T>
Rows<T> fade_and_noise(const Rows<T>& x, const Rows<T>& h, const Rows<T>& n) {
  Rows<T> y(x.size());
  for (std::size_t r = 0; r < x.size(); ++r) y[r] = h[r] * x[r] + n[r];
  return y;
}

template <typename T>
Rows<T> fade_and_noise_backward(const Rows<T>& dy, const Rows<T>& h) {
  Rows<T> dx(dy.size());
  for (std::size_t r = 0; r < dy.size(); ++r) dx[r] = std::conj(h[r]) * dy[r];
  return dx;
}

template <typename T>
std::complex<T> equaliser(std::complex<T> h, T noise_variance, bool mmse) {
  const T divisor = std::norm(h) + (mmse ? noise_variance : T(0));
  return divisor < T(1e-12) ? std::complex<T>() : std::conj(h) / divisor;
}

template <typename T>
Rows<T> equalise(const Rows<T>& y, const Rows<T>& h, const std::vector<T>& noise_variance,
                 bool mmse) {
  Rows<T> x(y.size());
  for (std::size_t r = 0; r < y.size(); ++r) x[r] = equaliser(h[r], noise_variance[r], mmse) * y[r];
  return x;
}

template <typename T>
Rows<T> equalise_backward(const Rows<T>& dx, const Rows<T>& h, const std::vector<T>& noise_variance,
                          bool mmse) {
  Rows<T> dy(dx.size());
  for (std::size_t r = 0; r < dx.size(); ++r)
    dy[r] = std::conj(equaliser(h[r], noise_variance[r], mmse)) * dx[r];
  return dy;
}

}  // namespace signal_reference
