#include "experiment/results/bjontegaard.h"

#include <math.h>  // NOLINT: Boost 1.74 takes isnan from the global namespace

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <boost/math/interpolators/pchip.hpp>

namespace semwave {
namespace {

std::vector<CurvePoint> sorted(std::span<const CurvePoint> points) {
  std::vector<CurvePoint> made(points.begin(), points.end());
  std::sort(made.begin(), made.end(),
            [](const CurvePoint& a, const CurvePoint& b) { return a.uses < b.uses; });
  return made;
}

/// The slope at the outer end of two steps, from three points, cut so that no piece turns back;
/// secants of the first and the second step (Moler, Numerical Computing with MATLAB, 2004, 3.6).
double end_slope(double step, double next_step, double secant, double next_secant) {
  const double slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step);
  if (slope * secant <= 0) return 0;
  return secant * next_secant < 0 && std::abs(slope) > 3 * std::abs(secant) ? 3 * secant : slope;
}

/// Of the end at `i`, whose neighbours lie in the direction `to`.
double slope_at(const std::vector<double>& x, const std::vector<double>& y, std::size_t i, int to) {
  const std::size_t j = i + static_cast<std::size_t>(to), k = j + static_cast<std::size_t>(to);
  return end_slope(x[j] - x[i], x[k] - x[j], (y[j] - y[i]) / (x[j] - x[i]),
                   (y[k] - y[j]) / (x[k] - x[j]));
}

/// y over strictly ascending x.
class Cubics {
 public:
  Cubics(const std::vector<double>& x, const std::vector<double>& y)
      : knots_(x),
        interpolated_(std::vector(x), std::vector(y), slope_at(x, y, 0, 1),
                      slope_at(x, y, x.size() - 1, -1)) {}

  double first() const { return knots_.front(); }
  double last() const { return knots_.back(); }

  /// The mean over [from, to], which lies within the knots. Simpson's rule is exact for a cubic.
  double mean(double from, double to) const {
    std::vector<double> ends = {from};
    for (const double knot : knots_)
      if (knot > from && knot < to) ends.push_back(knot);
    ends.push_back(to);
    double sum = 0;
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
      const double left = ends[i], right = ends[i + 1];
      sum += (right - left) / 6 *
             (interpolated_(left) + 4 * interpolated_((left + right) / 2) + interpolated_(right));
    }
    return sum / (to - from);
  }

 private:
  std::vector<double> knots_;
  boost::math::interpolators::pchip<std::vector<double>> interpolated_;
};

}  // namespace

std::string fault_of_curve(std::span<const CurvePoint> points) {
  for (const CurvePoint& point : points)
    if (!(point.uses > 0) || !std::isfinite(point.uses) || !std::isfinite(point.quality))
      return "a point sends nothing or has no quality";
  if (points.size() < fewest_curve_points)
    return fmt::format("a curve needs {} points, and there {} {}", fewest_curve_points,
                       points.size() == 1 ? "is" : "are", points.size());
  const std::vector<CurvePoint> curve = sorted(points);
  for (std::size_t i = 0; i + 1 < curve.size(); ++i)
    if (!(curve[i].uses < curve[i + 1].uses) || !(curve[i].quality < curve[i + 1].quality))
      return fmt::format("{:.2f} uses reach {:.4g} and {:.2f} uses {:.4g}: the curve does not rise",
                         curve[i].uses, curve[i].quality, curve[i + 1].uses, curve[i + 1].quality);
  return "";
}

std::optional<Bjontegaard> bjontegaard(std::span<const CurvePoint> a,
                                       std::span<const CurvePoint> b) {
  if (!fault_of_curve(a).empty() || !fault_of_curve(b).empty()) return std::nullopt;
  const auto along = [](std::span<const CurvePoint> points, bool over_uses) {
    std::vector<double> log_uses, quality;
    for (const CurvePoint& point : sorted(points)) {
      log_uses.push_back(std::log10(point.uses));
      quality.push_back(point.quality);
    }
    return over_uses ? Cubics(log_uses, quality) : Cubics(quality, log_uses);
  };
  const auto common = [](const Cubics& one, const Cubics& two) {
    return std::pair{std::max(one.first(), two.first()), std::min(one.last(), two.last())};
  };

  const Cubics quality_a = along(a, true), quality_b = along(b, true);
  const Cubics uses_a = along(a, false), uses_b = along(b, false);
  const auto [log_from, log_to] = common(quality_a, quality_b);
  const auto [from, to] = common(uses_a, uses_b);
  if (!(log_from < log_to) || !(from < to)) return std::nullopt;

  const double difference = uses_b.mean(from, to) - uses_a.mean(from, to);
  return Bjontegaard{.rate_percent = 100 * (std::pow(10, difference) - 1),
                     .quality = quality_b.mean(log_from, log_to) - quality_a.mean(log_from, log_to),
                     .of_quality = {from, to},
                     .of_uses = {std::pow(10, log_from), std::pow(10, log_to)}};
}

}  // namespace semwave
