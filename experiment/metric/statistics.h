// Intervals of the figures in a row.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace semwave {

/// 95 % Wilson score interval of `hits` out of `trials`; [0, 1] without trials.
std::pair<double, double> wilson95(std::int64_t hits, std::int64_t trials);

/// 97.5 % point of Student's t: half of a 95 % interval in standard errors (Cornish-Fisher
/// expansion, Abramowitz and Stegun 26.7.5), within 1 % from 4 degrees of freedom on.
double student95(int freedom);

/// Mean with the half-width of its 95 % interval (normal approximation).
struct MeanInterval {
  double mean = 0, halfwidth = 0;
};
MeanInterval mean_interval(std::span<const double> values);

}  // namespace semwave
