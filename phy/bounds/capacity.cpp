// Closed forms, and trapezoidal quadrature where there is none: of a smooth integrand under a
// Gaussian it converges faster than any power.
#include "phy/bounds/capacity.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <span>

namespace semwave {
namespace {

constexpr double log2_e = std::numbers::log2e;

/// Mean and variance of the information density of equally likely, evenly spaced levels in noise of
/// variance 1, `distance` from a level to its neighbour.
Information levels_information(int levels, double distance) {
  constexpr double step = 0.04, reach = 9;
  constexpr int points = static_cast<int>(2 * reach / step) + 1;
  double mean = 0, square = 0, mass = 0;
  for (int sent = 0; sent < levels; ++sent)
    for (int p = 0; p < points; ++p) {
      const double noise = -reach + p * step, weight = std::exp(-noise * noise / 2);
      // ln sum over the levels of p(y | level) / p(y | sent).
      double sum = 0;
      for (int other = 0; other < levels; ++other) {
        const double apart = (sent - other) * distance;
        sum += std::exp(-apart * (apart + 2 * noise) / 2);
      }
      const double density = std::log2(levels / sum);
      mean += weight * density;
      square += weight * density * density;
      mass += weight;
    }
  mean /= mass;
  return {mean, std::max(0.0, square / mass - mean * mean)};
}

/// The same of any points of mean power 1, each as likely, on a grid over both dimensions of the
/// noise. The step is coarser, since the grid is square.
Information points_information(std::span<const std::complex<float>> points, double snr) {
  constexpr double step = 0.25, reach = 6;
  constexpr int nodes = static_cast<int>(2 * reach / step) + 1;
  const double scale = std::sqrt(2 * snr);  // the noise has variance 1 in each dimension
  double mean = 0, square = 0, mass = 0;
  for (const std::complex<float>& sent : points)
    for (int p = 0; p < nodes * nodes; ++p) {
      const int row = p / nodes, column = p % nodes;
      const double i = -reach + row * step, q = -reach + column * step,
                   weight = std::exp(-(i * i + q * q) / 2);
      double sum = 0;
      for (const std::complex<float>& other : points) {
        const double apart_i = scale * (double{sent.real()} - other.real()),
                     apart_q = scale * (double{sent.imag()} - other.imag());
        sum += std::exp(-(apart_i * (apart_i + 2 * i) + apart_q * (apart_q + 2 * q)) / 2);
      }
      const double density = std::log2(static_cast<double>(points.size()) / sum);
      mean += weight * density;
      square += weight * density * density;
      mass += weight;
    }
  mean /= mass;
  return {mean, std::max(0.0, square / mass - mean * mean)};
}

/// e^x E1(x) for x > 0.
double scaled_exponential_integral(double x) {
  if (x < 1) return -std::exp(x) * std::expint(-x);
  // Continued fraction 1/(x + 1 - 1/(x + 3 - 4/(x + 5 - ...))) (Abramowitz and Stegun 5.1.22,
  // contracted), from its far end.
  double tail = 0;
  for (int n = 200; n >= 1; --n) tail = n * static_cast<double>(n) / (x + 2 * n + 1 - tail);
  return 1 / (x + 1 - tail);
}

}  // namespace

Information gaussian_information(double snr) {
  assert(snr >= 0);
  return {std::log2(1 + snr), snr * (snr + 2) / ((snr + 1) * (snr + 1)) * log2_e * log2_e};
}

Information constellation_information(Modulation modulation, double snr) {
  assert(snr >= 0);
  if (!modulation.gray()) return points_information(modulation.points().points(), snr);
  // Each real dimension by itself, noise of variance 1/(2 snr) there. BPSK lies along one direction
  // and has all the power in it.
  const int bits = bits_per_symbol(modulation), dimensions = bits == 1 ? 1 : 2,
            levels = 1 << (bits / dimensions);
  const double power = 1.0 / dimensions,
               distance =
                   std::sqrt(12 * power / (levels * static_cast<double>(levels) - 1) * 2 * snr);
  const Information one = levels_information(levels, distance);
  return {dimensions * one.capacity, dimensions * one.dispersion};
}

Information symmetric_information(double crossover) {
  assert(crossover >= 0 && crossover <= 1);
  const double p = crossover, q = 1 - p;
  if (p == 0 || q == 0) return {1, 0};
  const double ratio = std::log2(q / p);
  return {1 + p * std::log2(p) + q * std::log2(q), p * q * ratio * ratio};
}

Information erasure_information(double loss) {
  assert(loss >= 0 && loss <= 1);
  return {1 - loss, loss * (1 - loss)};
}

double rayleigh_capacity(double snr) {
  assert(snr >= 0);
  return snr == 0 ? 0 : scaled_exponential_integral(1 / snr) * log2_e;
}

double rayleigh_outage(double snr, double rate) {
  assert(snr > 0);
  return rate <= 0 ? 0 : -std::expm1(-(std::exp2(rate) - 1) / snr);
}

double normal_approximation_rate(const Information& information, double uses, double error) {
  assert(uses > 0);
  return information.capacity -
         std::sqrt(information.dispersion / uses) * inverse_normal_tail(error) +
         std::log2(uses) / (2 * uses);
}

double normal_approximation_error(const Information& information, double uses, double rate) {
  assert(uses > 0);
  const double margin = information.capacity + std::log2(uses) / (2 * uses) - rate;
  if (information.dispersion <= 0) return margin >= 0 ? 0 : 1;
  return normal_tail(margin / std::sqrt(information.dispersion / uses));
}

double normal_approximation_snr_db(std::optional<Modulation> modulation, double uses, double rate,
                                   double error) {
  assert(rate > std::log2(uses) / (2 * uses));
  const auto reached = [&](double snr_db) {
    const double snr = std::pow(10, snr_db / 10);
    return normal_approximation_rate(
               modulation ? constellation_information(*modulation, snr) : gaussian_information(snr),
               uses, error) >= rate;
  };
  double below = -100, above = 100;
  if (!reached(above)) return std::numeric_limits<double>::infinity();
  for (int i = 0; i < 60 && above - below > 1e-9; ++i) {
    const double middle = (below + above) / 2;
    (reached(middle) ? above : below) = middle;
  }
  return above;
}

double normal_tail(double x) {
  return 0.5 * std::erfc(x / std::numbers::sqrt2);
}

double inverse_normal_tail(double tail) {
  assert(tail > 0 && tail < 1);
  if (tail > 0.5)
    return -inverse_normal_tail(1 - tail);  // where the tail is small its logarithm is well known
  // Newton on ln Q, which is concave and falls: from Q(x) <= exp(-x^2/2)/2, which is right of the
  // root, it comes down to it.
  double x = std::sqrt(-2 * std::log(2 * tail));
  for (int i = 0; i < 100; ++i) {
    const double q = normal_tail(x),
                 density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    const double step = q / density * std::log(q / tail);
    x += step;
    if (std::abs(step) <= 1e-15 * std::max(1.0, x)) break;
  }
  return x;
}

}  // namespace semwave
