// A uniform quantiser of real features, as digital semantic links use it: 2^bits levels, symmetric,
// none at zero. Power-normalised features have variance 1/2 in each real dimension; errors are
// stated for N(0, 1/2).
#pragma once

#include <cstdint>
#include <span>

#include "core/tensor/pass.h"
#include "phy/burst/burst.h"

namespace semwave {

inline constexpr int largest_quantiser_bits = 8;

/// N(0, 1/2) in 2^bits cells of equal width over +-range, the middle of each standing for what
/// falls into it; the outer ones reach on.
struct QuantisedNormal {
  double error = 0;  // mean square of what is lost
  double power = 0;  // mean square of the middles
};
QuantisedNormal quantised_normal(int bits, double range);

class Quantiser {
 public:
  /// 1 to largest_quantiser_bits bits over [-range, range], range > 0: cells of width 2 range /
  /// 2^bits, what lies outside falls into the outer ones.
  Quantiser(int bits, double range);
  /// Over the range that errs least on N(0, 1/2) (Max 1960, table II).
  explicit Quantiser(int bits);

  int bits() const { return bits_; }
  double range() const { return range_; }
  double step() const { return step_; }
  int index(float value) const;
  float value(int index) const { return static_cast<float>(-range_ + (index + 0.5) * step_); }
  /// Mean squared error of N(0, 1/2): cells and what lies beyond them.
  double error() const { return error_; }

  /// Indices of `values` as bits, highest first: [values.size() bits()].
  void write(std::span<const float> values, std::span<std::uint8_t> bits) const;
  /// The way back.
  void read(std::span<const std::uint8_t> bits, std::span<float> values) const;

 private:
  int bits_;
  double range_, step_, error_;
};

/// Forward the nearest level. Backward the derivative of the soft assignment sum_j c_j w_j, w =
/// softmax_j(-hardness ((x - c_j) / step)^2), which is 2 hardness / step^2 times the variance of
/// the levels under w: soft-to-hard quantisation (Agustsson et al. 2017; DeepJSCC-Q, Tung et al.
/// 2022, which raises the hardness from 5 to 100 on constellations of unit power: 2 to 40 here for
/// 16-QAM). Any shape. hardness > 0.
Var soft_to_hard(Pass& pass, const Var& x, const Quantiser& quantiser, double hardness);

}  // namespace semwave
