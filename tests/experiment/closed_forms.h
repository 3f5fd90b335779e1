// Closed forms of the conventions, written from the literature and not from the library, and the
// statistics to hold a count to them.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "phy/modulation/modulation.h"

namespace semwave {

inline double q_function(double x) {
  return 0.5 * std::erfc(x / std::sqrt(2.0));
}

/// Weights w and factors a of the bit error probability sum w Q(sqrt(2 a g)), g = Eb/N0 (Gray
/// mapping, exact).
inline std::vector<std::pair<double, double>> gray_terms(Modulation modulation) {
  switch (bits_per_symbol(modulation)) {
    case 1:
    case 2:
      return {{1, 1}};
    case 4:
      return {{3.0 / 4, 2.0 / 5}, {1.0 / 2, 18.0 / 5}, {-1.0 / 4, 10}};
    case 6:
      return {{7.0 / 12, 1.0 / 7},
              {1.0 / 2, 9.0 / 7},
              {-1.0 / 12, 25.0 / 7},
              {1.0 / 12, 81.0 / 7},
              {-1.0 / 12, 169.0 / 7}};
    case 8:
      break;
  }
  // Cho and Yoon (2002), equations 16 and 17, for M = 256: 16 levels and 4 bits in each dimension.
  constexpr int levels = 16, bits = 4;
  std::vector<std::pair<double, double>> terms;
  for (int k = 1; k <= bits; ++k)
    for (int i = 0; i < levels - (levels >> k); ++i) {
      const int half = i * (1 << (k - 1)) / levels,
                rounded = (2 * i * (1 << (k - 1)) + levels) / (2 * levels);
      const double weight =
          (half % 2 ? -1.0 : 1.0) * ((1 << (k - 1)) - rounded) * 2.0 / (levels * bits);
      terms.push_back({weight, (2 * i + 1) * (2 * i + 1) * 4.0 / 85});
    }
  return terms;
}

/// E Q(sqrt(2 g p)) where p is Gamma(branches, 1): Rayleigh branches in maximum ratio, g per branch
/// (Proakis, Digital Communications, 14.4-15).
inline double diversity_error_rate(double g, int branches) {
  const double p = (1 - std::sqrt(g / (1 + g))) / 2;
  double sum = 0, term = 1;  // binomial (L - 1 + k over k) (1 - p)^k
  for (int k = 0; k < branches; ++k) {
    sum += term;
    term *= (1 - p) * (branches + k) / (k + 1);
  }
  return std::pow(p, branches) * sum;
}

/// `branches` independent Rayleigh branches; 0: no fading. `eb_n0_db` is per branch.
inline double bit_error_rate(Modulation modulation, int branches, double eb_n0_db) {
  const double g = std::pow(10.0, eb_n0_db / 10);
  double rate = 0;
  for (const auto& [w, a] : gray_terms(modulation))
    rate += w * (branches > 0 ? diversity_error_rate(a * g, branches)
                              : q_function(std::sqrt(2 * a * g)));
  return rate;
}

/// Upper quantile of chi-square with n degrees of freedom at about 1e-5 (Wilson and Hilferty 1931).
inline double chi_square_limit(int n) {
  const double c = 2.0 / (9.0 * n);
  return n * std::pow(1 - c + 4.265 * std::sqrt(c), 3);
}

}  // namespace semwave
