#include "phy/modulation/constellation.h"

#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <set>

#include "core/base/error.h"
#include "core/base/sha256.h"

namespace semwave {

Constellation::Constellation(std::string name, const std::vector<std::complex<double>>& points)
    : name_(std::move(name)) {
  const std::size_t count = points.size();
  if (count < 2 || count > std::size_t{1} << most_bits || !std::has_single_bit(count))
    throw Error("constellation " + name_, "has " + std::to_string(count) +
                                              " points, expected a power of two from 2 to " +
                                              std::to_string(1 << most_bits));
  double power = 0;
  for (const std::complex<double>& point : points) power += std::norm(point);
  power /= static_cast<double>(count);
  if (!std::isfinite(power) || power <= 0)
    throw Error("constellation " + name_, "its points have no power that can be scaled to 1");

  bits_ = std::countr_zero(count);
  std::set<std::pair<float, float>> seen;
  for (const std::complex<double>& point : points) {
    points_.emplace_back(point / std::sqrt(power));
    if (!seen.emplace(points_.back().real(), points_.back().imag()).second)
      throw Error("constellation " + name_, "two labels have one point");
  }
}

void Constellation::demap(std::span<const std::complex<float>> z,
                          std::span<const float> noise_variance, std::span<float> soft) const {
  assert(noise_variance.size() == 1 || noise_variance.size() == z.size());
  const auto width = static_cast<std::size_t>(bits_);
  assert(soft.size() == z.size() * width);
  std::array<std::array<float, 2>, most_bits> nearest;
  for (std::size_t s = 0; s < z.size(); ++s) {
    nearest.fill({std::numeric_limits<float>::max(), std::numeric_limits<float>::max()});
    for (std::size_t label = 0; label < points_.size(); ++label) {
      const float i = z[s].real() - points_[label].real(), q = z[s].imag() - points_[label].imag(),
                  squared = i * i + q * q;
      for (std::size_t b = 0; b < width; ++b) {
        float& best = nearest[b][(label >> (width - 1 - b)) & 1];
        best = squared < best ? squared : best;
      }
    }
    const float reliability = 1 / noise_variance[noise_variance.size() == 1 ? 0 : s];
    for (std::size_t b = 0; b < width; ++b)
      soft[s * width + b] = (nearest[b][1] - nearest[b][0]) * reliability;
  }
}

void Constellation::demap_exact(std::span<const std::complex<float>> z,
                                std::span<const float> noise_variance,
                                std::span<float> soft) const {
  assert(noise_variance.size() == 1 || noise_variance.size() == z.size());
  const auto width = static_cast<std::size_t>(bits_);
  assert(soft.size() == z.size() * width);
  for (std::size_t s = 0; s < z.size(); ++s) {
    const double variance = noise_variance[noise_variance.size() == 1 ? 0 : s];
    const auto exponent = [&](std::size_t label) {
      return -std::norm(std::complex<double>(z[s]) - std::complex<double>(points_[label])) /
             variance;
    };
    for (std::size_t b = 0; b < width; ++b) {
      double largest[2] = {-1e300, -1e300}, sum[2] = {0, 0};
      for (std::size_t label = 0; label < points_.size(); ++label) {
        double& best = largest[(label >> (width - 1 - b)) & 1];
        best = std::max(best, exponent(label));
      }
      for (std::size_t label = 0; label < points_.size(); ++label) {
        const std::size_t value = (label >> (width - 1 - b)) & 1;
        sum[value] += std::exp(exponent(label) - largest[value]);
      }
      soft[s * width + b] =
          static_cast<float>(largest[0] - largest[1] + std::log(sum[0]) - std::log(sum[1]));
    }
  }
}

Component Constellation::component() const {
  return {"constellation " + name_, std::to_string(demapper_version()) + ", " +
                                        sha256(points_.data(), points_.size() * sizeof points_[0])};
}

}  // namespace semwave
