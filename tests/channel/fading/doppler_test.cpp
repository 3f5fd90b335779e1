// Rician and Doppler-correlated gains against their closed forms (docs/conventions.md).
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "channel/channel.h"
#include "channel/kind/rayleigh.h"
#include "channel/kind/rician.h"

namespace semwave {
namespace {

Draws draws_of(std::uint32_t images, std::uint32_t visit) {
  Draws draws{.seed = 11, .visit = visit};
  for (std::uint32_t i = 0; i < images; ++i) draws.images.push_back(i);
  return draws;
}

constexpr int links = 20000;

/// Sample autocorrelation over links between slot 3 and slot 3 + n, with its standard error (per
/// real product of unit variance at most).
std::complex<double> correlation(const FadingLaw& law, int n) {
  const Channel channel({.fading = law});
  const Fading first = channel.realise(draws_of(links, 3)),
               second = channel.realise(draws_of(links, 3 + static_cast<std::uint32_t>(n)));
  std::complex<double> sum;
  for (int i = 0; i < links; ++i)
    sum += second.gain(i, 0) * std::conj(first.gain(i, 0)) / static_cast<double>(links);
  return sum;
}

TEST(Doppler, AutocorrelationIsBessel) {
  const std::pair<double, double> points[] = {
      {0.1, 0.9037}, {0.2, 0.6425}, {0.3827, 0.0}, {0.5, -0.3042}};
  for (const auto& [doppler, expected] : points) {
    const FadingLaw law{.gains = rayleigh_gains(), .doppler = doppler};
    EXPECT_NEAR(law.correlation(1), expected, 2e-4);
    const std::complex<double> measured = correlation(law, 1);
    EXPECT_NEAR(measured.real(), expected, 4 / std::sqrt(links));
    EXPECT_NEAR(measured.imag(), 0, 4 / std::sqrt(links));
    RecordProperty("autocorrelation_at_" + std::to_string(doppler),
                   std::to_string(measured.real()) + " for " + std::to_string(expected));
    EXPECT_NEAR(correlation({.gains = rayleigh_gains(), .doppler = doppler / 2}, 2).real(),
                expected, 4 / std::sqrt(links));
  }
  EXPECT_NEAR(correlation({.gains = rayleigh_gains()}, 1).real(), 0, 4 / std::sqrt(links));
  EXPECT_NEAR(correlation({.gains = rayleigh_gains(), .doppler = 0.0}, 1).real(), 1,
              4 / std::sqrt(links));
}

TEST(Doppler, AlongOneBurstToo) {
  // A long burst, one gain a use: time average of one link.
  const FadingLaw law{.gains = rayleigh_gains(), .coherence = Coherence::symbol, .doppler = 0.1};
  const Channel channel({.fading = law});
  const Fading fading = channel.realise(draws_of(400, 2));
  double lag = 0, far = 0;
  for (int i = 0; i < 400; ++i)
    for (int u = 0; u < 20; ++u) {
      lag += (fading.gain(i, 3 * u + 1) * std::conj(fading.gain(i, 3 * u))).real() / 8000;
      far += (fading.gain(i, 3 * u + 4) * std::conj(fading.gain(i, 3 * u))).real() / 8000;
    }
  EXPECT_NEAR(lag, std::cyl_bessel_j(0, 0.2 * std::numbers::pi),
              0.1);  // uses of one link share their waves: 400 links count
  EXPECT_NEAR(far, std::cyl_bessel_j(0, 0.8 * std::numbers::pi), 0.1);
  EXPECT_NE(fading.gain(0, 0), channel.realise(draws_of(400, 3)).gain(0, 0));
}

TEST(Doppler, PowerIsThatOfASumOfSinusoids) {
  const Channel channel({.fading = {.gains = rayleigh_gains(), .doppler = 0.1}});
  const Fading fading = channel.realise(draws_of(links, 9));
  double power = 0, fourth = 0;
  for (int i = 0; i < links; ++i) {
    const double p = std::norm(fading.gain(i, 0));
    power += p / links;
    fourth += p * p / links;
  }
  EXPECT_NEAR(power, 1, 4 / std::sqrt(links));
  EXPECT_NEAR(fourth, 2 - 1.0 / LinkDraws::waves, 4 * std::sqrt(20.0 / links));
}

TEST(Rician, MomentsAreThoseOfItsLaw) {
  for (const double k_db : {-10.0, 0.0, 6.0, 15.0}) {
    const double k = std::pow(10, k_db / 10);
    const Channel channel({.fading = {.gains = rician_gains(k)}});
    const Fading fading = channel.realise(draws_of(links, 1)),
                 other = channel.realise(draws_of(links, 2));
    double power = 0, fourth = 0, line = 0;
    std::complex<double> mean;
    for (int i = 0; i < links; ++i) {
      const std::complex<double> h = fading.gain(i, 0);
      power += std::norm(h) / links;
      fourth += std::norm(h) * std::norm(h) / links;
      mean += h / static_cast<double>(links);
      line += (h * std::conj(other.gain(i, 0))).real() /
              links;  // what stays from slot to slot is the line of sight
    }
    const double expected_fourth =
        (k * k + 4 * k + 2) / ((k + 1) * (k + 1));  // E|h|^4 of a unit-power Rician gain
    EXPECT_NEAR(power, 1,
                4 * std::sqrt((1 + 2 * k) / ((1 + k) * (1 + k)) / links));  // trap 3: not 2
    EXPECT_NEAR(fourth, expected_fourth, 4 * std::sqrt(20.0 / links));
    EXPECT_NEAR(line, k / (k + 1), 4 / std::sqrt(links));
    RecordProperty("fourth_moment_at_K_" + std::to_string(static_cast<int>(k_db)) + "_dB",
                   std::to_string(fourth) + " for " + std::to_string(expected_fourth));
    EXPECT_NEAR(std::abs(mean), 0, 5 / std::sqrt(links));  // its phase is any, link by link
  }
}

TEST(Rician, OfLargeKIsAwgnOfSomePhase) {
  const Channel channel({.fading = {.gains = rician_gains(1e9)}});
  const Fading fading = channel.realise(draws_of(10, 1));
  for (int i = 0; i < 10; ++i) EXPECT_NEAR(std::abs(fading.gain(i, 0)), 1, 1e-3);
}

}  // namespace
}  // namespace semwave
