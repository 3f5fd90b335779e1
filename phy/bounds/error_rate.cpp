#include "phy/bounds/error_rate.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "phy/bounds/capacity.h"

namespace semwave {
namespace {

/// Of one dimension of a square constellation: of L levels the outer ones have one neighbour.
double level_error(int levels, double snr) {
  return 2 * (1 - 1.0 / levels) * normal_tail(std::sqrt(3 * snr / (levels * levels - 1.0)));
}

/// Mean bit error rate of one dimension of L = 2^bits Gray-mapped levels: where a level's noise
/// ends is the decision of the level nearest to it.
double gray_bit_error(int bits, double snr) {
  const int levels = 1 << bits;
  const double step = std::sqrt(3 * snr / (levels * levels - 1.0));  // half a distance over sigma
  const auto beyond = [&](int from, int edge) {  // right of the edge between edge - 1 and edge
    return normal_tail((2 * (edge - from) - 1) * step);
  };
  const auto gray = [](int level) { return static_cast<unsigned>(level ^ (level >> 1)); };
  double wrong = 0;
  for (int from = 0; from < levels; ++from)
    for (int to = 0; to < levels; ++to) {
      const double ends_there =
          (to == 0 ? 1 : beyond(from, to)) - (to + 1 == levels ? 0 : beyond(from, to + 1));
      wrong += ends_there * std::popcount(gray(from) ^ gray(to));
    }
  return wrong / (levels * bits);
}

/// Mean over the points of the sum over the others of weight(differing bits) times the probability
/// that the other is nearer.
template <class Weight>
double union_bound(const Constellation& constellation, double snr, Weight weight) {
  const auto points = constellation.points();
  double sum = 0;
  for (std::size_t a = 0; a < points.size(); ++a)
    for (std::size_t b = 0; b < points.size(); ++b) {
      if (a == b) continue;
      const double squared =
          std::norm(std::complex<double>(points[a]) - std::complex<double>(points[b]));
      sum += weight(std::popcount(a ^ b)) * normal_tail(std::sqrt(squared * snr / 2));
    }
  return sum / static_cast<double>(points.size());
}

}  // namespace

double symbol_error_rate(Modulation modulation, double snr) {
  assert(snr >= 0);
  if (modulation == Modulation::bpsk) return normal_tail(std::sqrt(2 * snr));
  if (modulation.gray()) {
    const double wrong = level_error(1 << (modulation.bits() / 2), snr);
    return 1 - (1 - wrong) * (1 - wrong);
  }
  return std::min(1.0, union_bound(modulation.points(), snr, [](int) { return 1.0; }));
}

double bit_error_rate(Modulation modulation, double snr) {
  assert(snr >= 0);
  if (modulation == Modulation::bpsk) return normal_tail(std::sqrt(2 * snr));
  if (modulation.gray()) return gray_bit_error(modulation.bits() / 2, snr);
  const double bits = modulation.bits();
  return std::min(
      0.5, union_bound(modulation.points(), snr, [&](int differing) { return differing / bits; }));
}

double lost_symbols(double bits, Modulation modulation, double snr_db) {
  const double snr = std::pow(10.0, snr_db / 10);
  if (modulation == Modulation::bpsk)
    return -std::expm1(bits * std::log1p(-normal_tail(std::sqrt(2 * snr))));
  if (modulation.gray()) {
    const int width = modulation.bits() / 2;
    return -std::expm1(bits / width * std::log1p(-level_error(1 << width, snr)));
  }
  return -std::expm1(bits / modulation.bits() * std::log1p(-symbol_error_rate(modulation, snr)));
}

}  // namespace semwave
