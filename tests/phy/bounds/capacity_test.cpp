// Capacities, dispersions and the normal approximation against the figures of docs/conventions.md
// and against limits known in closed form.
#include "phy/bounds/capacity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/random/random.h"

namespace semwave {
namespace {

double linear(double db) {
  return std::pow(10, db / 10);
}

TEST(Capacity, OfGaussianInputAndOfRayleighFading) {
  constexpr struct {
    double snr_db, awgn, rayleigh;
  } figures[] = {{0, 1.0000, 0.8603}, {10, 3.4594, 2.9065}, {20, 6.6582, 5.8840}};
  for (const auto& figure : figures) {
    EXPECT_NEAR(gaussian_information(linear(figure.snr_db)).capacity, figure.awgn, 5e-5);
    EXPECT_NEAR(rayleigh_capacity(linear(figure.snr_db)), figure.rayleigh, 5e-5);
  }
  EXPECT_NEAR(rayleigh_outage(linear(10), 1), 0.0952, 5e-5);
  EXPECT_EQ(rayleigh_capacity(0), 0);
  // Far down E log2(1 + s |h|^2) is s log2 e (1 - s); the two forms of the integral meet at s = 1.
  EXPECT_NEAR(rayleigh_capacity(1e-4) / (1e-4 / std::log(2)), 1 - 1e-4, 1e-7);
  EXPECT_NEAR(rayleigh_capacity(1 - 1e-9), rayleigh_capacity(1 + 1e-9), 1e-8);
}

TEST(Capacity, RayleighAgreesWithTheMeanOverFades) {
  double mean = 0, square = 0;
  constexpr int count = 200000;
  for (std::uint32_t i = 0; i < count; ++i) {
    const double rate =
        std::log2(1 + 10 * std::norm(complex_normal(philox(5, Purpose::fading, i, 0, 0))));
    mean += rate / count;
    square += rate * rate / count;
  }
  EXPECT_NEAR(rayleigh_capacity(10), mean, 4 * std::sqrt((square - mean * mean) / count));
}

TEST(Capacity, NormalApproximationMatchesTheConventions) {
  constexpr struct {
    double uses, snr_db, error, rate;
  } figures[] = {{100, 0, 1e-3, 0.6471},
                 {500, 0, 1e-3, 0.8363},
                 {512, 10, 1e-3, 3.2720},
                 {1024, 10, 1e-5, 3.2728},
                 {256, 5, 1e-2, 1.8694}};
  for (const auto& figure : figures) {
    const Information information = gaussian_information(linear(figure.snr_db));
    const double rate = normal_approximation_rate(information, figure.uses, figure.error);
    EXPECT_NEAR(rate, figure.rate, 6e-5);
    EXPECT_NEAR(normal_approximation_error(information, figure.uses, rate) / figure.error, 1, 1e-9);
    EXPECT_NEAR(normal_approximation_snr_db(std::nullopt, figure.uses, rate, figure.error),
                figure.snr_db, 1e-6);
  }
}

TEST(Capacity, QpskOfTheLongLdpcCodesNeedsWhatTheConventionsSay) {
  // n = 1944 coded bits are 972 uses of QPSK, frame errors 1e-2.
  constexpr std::pair<double, double> needed[] = {
      {1.0 / 2, 0.71}, {2.0 / 3, 2.77}, {3.0 / 4, 3.84}, {5.0 / 6, 5.03}};
  for (const auto& [rate, snr_db] : needed)
    EXPECT_NEAR(normal_approximation_snr_db(Modulation::qpsk, 1944 / 2.0, 2 * rate, 1e-2), snr_db,
                0.01)
        << rate;
}

TEST(Capacity, OfConstellationsStaysBetweenItsBounds) {
  for (const Modulation modulation : {Modulation::bpsk, Modulation::qpsk, Modulation::qam16,
                                      Modulation::qam64, Modulation::qam256}) {
    const double bits = bits_per_symbol(modulation);
    double before = -1;
    for (double snr_db = -30; snr_db <= 50; snr_db += 10) {
      const Information information = constellation_information(modulation, linear(snr_db));
      EXPECT_LT(information.capacity,
                std::min(bits + 1e-9, gaussian_information(linear(snr_db)).capacity + 1e-9))
          << snr_db;
      EXPECT_GE(information.capacity, before - 1e-9);
      before = information.capacity;
    }
    EXPECT_NEAR(constellation_information(modulation, 1e5).capacity, bits, 1e-6);
    EXPECT_NEAR(constellation_information(modulation, 1e5).dispersion, 0, 1e-4);
    // Far down both the mean and half the variance of the density (in nats) are the SNR.
    EXPECT_NEAR(constellation_information(modulation, 1e-4).capacity * std::log(2) / 1e-4, 1, 2e-4);
    EXPECT_NEAR(
        constellation_information(modulation, 1e-4).dispersion * std::log(2) * std::log(2) / 2e-4,
        1, 2e-3);
    EXPECT_NEAR(constellation_information(modulation, 0).capacity, 0, 1e-12);
    EXPECT_TRUE(std::isinf(normal_approximation_snr_db(modulation, 1000, bits + 0.1, 1e-2)));
  }
  // BPSK at Es/N0 = 0 dB: 0.7215 bit (binary-input AWGN of variance 1/2).
  EXPECT_NEAR(constellation_information(Modulation::bpsk, 1).capacity, 0.7215, 1e-4);
  EXPECT_NEAR(constellation_information(Modulation::qpsk, 2).capacity, 2 * 0.7215, 2e-4);
}

TEST(Capacity, QuadratureAgreesWithDraws) {
  // 16-QAM at 8 dB, one dimension: mean and variance of the information density over drawn levels
  // and noise.
  const double snr = linear(8), d = 2 * std::sqrt(0.1), sigma = std::sqrt(1 / (2 * snr));
  constexpr int count = 200000;
  double mean = 0, square = 0, fourth = 0;
  std::vector<double> densities;
  for (std::uint32_t i = 0; i < count; ++i) {
    const RandomWords words = philox(6, Purpose::data_bits, i, 0, 0);
    const double noise = sigma * std::numbers::sqrt2 * complex_normal(words).real(),
                 sent = d * (static_cast<double>(words[2] % 4) - 1.5), y = sent + noise;
    double sum = 0;
    for (int l = 0; l < 4; ++l)
      sum += std::exp(-((y - d * (l - 1.5)) * (y - d * (l - 1.5)) - noise * noise) /
                      (2 * sigma * sigma));
    densities.push_back(std::log2(4 / sum));
    mean += densities.back() / count;
  }
  for (const double density : densities) {
    square += (density - mean) * (density - mean) / count;
    fourth += std::pow(density - mean, 4) / count;
  }
  const Information information = constellation_information(Modulation::qam16, snr);
  EXPECT_NEAR(information.capacity / 2, mean, 4 * std::sqrt(square / count));
  EXPECT_NEAR(information.dispersion / 2, square,
              4 * std::sqrt((fourth - square * square) / count));
}

TEST(Capacity, OfFlipsAndErasures) {
  EXPECT_NEAR(symmetric_information(0.11).capacity, 0.5, 1e-4);  // H2(0.11) = 0.4999
  EXPECT_NEAR(symmetric_information(0.11).dispersion,
              0.11 * 0.89 * std::pow(std::log2(0.89 / 0.11), 2), 1e-12);
  EXPECT_EQ(symmetric_information(0).capacity, 1);
  EXPECT_EQ(symmetric_information(1).capacity, 1);  // always wrong is as good as always right
  EXPECT_NEAR(symmetric_information(0.5).capacity, 0, 1e-15);
  EXPECT_DOUBLE_EQ(erasure_information(0.25).capacity, 0.75);
  EXPECT_DOUBLE_EQ(erasure_information(0.25).dispersion, 0.1875);
  EXPECT_EQ(normal_approximation_error(erasure_information(0), 100, 0.5), 0);
  EXPECT_EQ(normal_approximation_error(erasure_information(1), 100, 0.5), 1);
}

TEST(Capacity, TailsInvert) {
  EXPECT_NEAR(inverse_normal_tail(0.5), 0, 1e-15);
  EXPECT_NEAR(inverse_normal_tail(1e-3), 3.0902323061678132, 1e-12);
  for (const double tail : {1e-300, 1e-12, 1e-5, 0.3, 0.7, 0.999})
    EXPECT_NEAR(normal_tail(inverse_normal_tail(tail)) / tail, 1, 1e-9);
}

}  // namespace
}  // namespace semwave
