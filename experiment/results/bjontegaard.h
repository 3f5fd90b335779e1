// Two rate-quality curves in one figure each (Bjontegaard 2001, VCEG-M33), with piecewise cubics
// that keep a curve monotone (Fritsch and Butland 1984), as JCT-VC compares codecs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>

namespace semwave {

/// Mean channel uses per image and what they buy.
struct CurvePoint {
  double uses = 0, quality = 0;
};

/// Curve b against curve a, over the range that both have.
struct Bjontegaard {
  double rate_percent = 0;               // uses more (below 0: fewer) at equal quality
  double quality = 0;                    // more (below 0: less) at equal uses
  std::pair<double, double> of_quality;  // from, to: where the uses are compared
  std::pair<double, double> of_uses;     // from, to: where the quality is compared
};

/// Points of a curve that has both figures; the cubics need as many.
inline constexpr std::size_t fewest_curve_points = 4;

/// Why these points are no such curve; empty: they are one. It needs four points or more, and with
/// more uses always more quality; the order in which they are given does not matter.
std::string fault_of_curve(std::span<const CurvePoint> points);

/// Nothing where either is no such curve, or where they have no range in common.
std::optional<Bjontegaard> bjontegaard(std::span<const CurvePoint> a,
                                       std::span<const CurvePoint> b);

}  // namespace semwave
