#include "experiment/metric/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace semwave {

std::pair<double, double> wilson95(std::int64_t hits, std::int64_t trials) {
  if (trials == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(trials), p = static_cast<double>(hits) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double student95(int freedom) {
  constexpr double small[] = {12.7062, 4.3027, 3.1824};  // where the expansion is too far off
  if (freedom < 1) return std::numeric_limits<double>::infinity();
  if (freedom <= 3) return small[freedom - 1];
  const double z = 1.959963984540054, n = freedom;
  return z + (std::pow(z, 3) + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * n * n) +
         (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) /
             (384 * n * n * n);
}

MeanInterval mean_interval(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  if (values.empty()) return {};
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, values.size() < 2 ? 0 : 1.959963984540054 * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace semwave
