// Any labelled set of points as a constellation. Those of TS 38.211 have faster ways
// (modulation.h); whatever else is registered works by search over its points.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/numerics.h"

namespace semwave {

/// Immutable: any number of threads share one.
class Constellation {
 public:
  static constexpr int most_bits = 12;  // a symbol

  /// 2 to 2^most_bits points, a power of two, by label: the first bit of a label is its highest.
  /// They are scaled to mean power 1. Throws Error where that cannot be, or where two points are
  /// one.
  Constellation(std::string name, const std::vector<std::complex<double>>& points);
  virtual ~Constellation() = default;

  const std::string& name() const { return name_; }  // "8-PSK"
  int bits() const { return bits_; }
  std::span<const std::complex<float>> points() const { return points_; }

  /// Max-log soft bits of z = x + CN(0, noise_variance): for each bit the squared distance to the
  /// nearest point with a 1 less that to the nearest with a 0, over the variance. One variance for
  /// all symbols, or one each; an infinite one gives soft bits of zero. `soft` [symbols, bits()].
  virtual void demap(std::span<const std::complex<float>> z, std::span<const float> noise_variance,
                     std::span<float> soft) const;
  /// Exact ones: sums over all points, in double.
  void demap_exact(std::span<const std::complex<float>> z, std::span<const float> noise_variance,
                   std::span<float> soft) const;

  /// Results know a constellation by its name, its points and the version of its demapper, which
  /// whoever overrides demap() counts up.
  Component component() const;

 protected:
  virtual int demapper_version() const { return 1; }

 private:
  std::string name_;
  int bits_ = 0;
  std::vector<std::complex<float>> points_;
};

}  // namespace semwave
