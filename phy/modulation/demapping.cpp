// Soft bits after an equaliser: which demapper a constellation has.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "core/cpu/machine.h"
#include "phy/modulation/demap_kernels.h"
#include "phy/modulation/modulation.h"

namespace semwave {
namespace cpu {

SEMWAVE_DECLARE_KERNEL(void, demap_gray, int, const float*, std::size_t, const float*, float,
                       float*)

std::vector<DemapGray> demap_kernels() {
  return SEMWAVE_RUNNABLE(demap_gray);
}

}  // namespace cpu

namespace {

/// `variance` null: 1/reliability everywhere.
void demap_gray(Modulation modulation, std::span<const std::complex<float>> z,
                const float* variance, float reliability, std::span<float> soft) {
  static const cpu::DemapGray kernel = cpu::demap_kernels().front();
  assert(soft.size() == z.size() * static_cast<std::size_t>(modulation.bits()));
  kernel(modulation.bits(), reinterpret_cast<const float*>(z.data()), z.size(), variance,
         reliability, soft.data());
}

double half_step(int bits) {
  return bits == 1   ? 1 / std::sqrt(2.0)
         : bits == 2 ? 1 / std::sqrt(10.0)
         : bits == 3 ? 1 / std::sqrt(42.0)
                     : 1 / std::sqrt(170.0);
}

/// log of the sum over the levels of each value of bit i of exp(-(z - level)^2 / variance), its
/// difference between 0 and 1.
void exact_dimension(int bits, double z, double reliability, float* soft) {
  const double step = half_step(bits);
  std::array<double, 16> exponent;
  for (int label = 0; label < 1 << bits; ++label) {
    int level = 1 - 2 * (label & 1);
    for (int i = bits - 2; i >= 0; --i)
      level = (1 - 2 * ((label >> (bits - 1 - i)) & 1)) * ((1 << (bits - 1 - i)) - level);
    const double distance = z - step * level;
    exponent[static_cast<std::size_t>(label)] = -distance * distance * reliability;
  }
  for (int i = 0; i < bits; ++i) {
    double largest[2] = {-1e300, -1e300}, sum[2] = {0, 0};
    for (int label = 0; label < 1 << bits; ++label) {
      double& best = largest[(label >> (bits - 1 - i)) & 1];
      best = std::max(best, exponent[static_cast<std::size_t>(label)]);
    }
    for (int label = 0; label < 1 << bits; ++label) {
      const int value = (label >> (bits - 1 - i)) & 1;
      sum[value] += std::exp(exponent[static_cast<std::size_t>(label)] - largest[value]);
    }
    soft[2 * i] = static_cast<float>(largest[0] - largest[1] + std::log(sum[0]) - std::log(sum[1]));
  }
}

}  // namespace

void demap(Modulation modulation, std::span<const std::complex<float>> z, double noise_variance,
           std::span<float> soft) {
  assert(noise_variance > 0);
  const auto variance = static_cast<float>(noise_variance);
  if (!modulation.gray()) return modulation.points().demap(z, {&variance, 1}, soft);
  demap_gray(modulation, z, nullptr, static_cast<float>(1 / noise_variance), soft);
}

void demap(Modulation modulation, std::span<const std::complex<float>> z,
           std::span<const float> noise_variance, std::span<float> soft) {
  assert(noise_variance.size() == z.size());
  if (!modulation.gray()) return modulation.points().demap(z, noise_variance, soft);
  demap_gray(modulation, z, noise_variance.data(), 0, soft);
}

void demap_exact(Modulation modulation, std::span<const std::complex<float>> z,
                 std::span<const float> noise_variance, std::span<float> soft) {
  if (!modulation.gray()) return modulation.points().demap_exact(z, noise_variance, soft);
  if (modulation.bits() <= 2) return demap(modulation, z, noise_variance, soft);
  assert(noise_variance.size() == z.size() &&
         soft.size() == z.size() * static_cast<std::size_t>(modulation.bits()));
  const int bits = modulation.bits() / 2;
  for (std::size_t s = 0; s < z.size(); ++s) {
    float* to = soft.data() + s * static_cast<std::size_t>(2 * bits);
    exact_dimension(bits, z[s].real(), 1.0 / noise_variance[s], to);
    exact_dimension(bits, z[s].imag(), 1.0 / noise_variance[s], to + 1);
  }
}

}  // namespace semwave
