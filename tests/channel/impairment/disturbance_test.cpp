// Impulses, interference and phase noise: their statistics, and who is told of them.
#include "channel/impairment/disturbance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/channel/air.h"

namespace semwave {
namespace {

using air::Complex;

std::vector<Complex> residues(const air::Heard& heard, int symbols) {
  std::vector<Complex> made;
  for (std::size_t at = 0; at < heard.y.size(); ++at)
    made.push_back(
        heard.y[at] -
        heard.known[at] *
            air::sent(static_cast<std::uint32_t>(at) / static_cast<std::uint32_t>(symbols),
                      static_cast<int>(at % static_cast<std::size_t>(symbols))));
  return made;
}

TEST(Impulses, KeepTheMeanPowerAndHaveTheKurtosisOfTheirLaw) {
  const double p = 0.05, ratio = 50, n0 = 0.1;
  const air::Heard heard =
      air::hear({.snr = {10, 10}, .impulses = {p, ratio}}, air::ids(100), 2000);
  std::vector<double> power, fourth, loud;
  const double quiet = n0 / (1 + p * ratio);
  for (const Complex n : residues(heard, 2000)) {
    power.push_back(std::norm(n));
    fourth.push_back(std::norm(n) * std::norm(n));
    loud.push_back(std::norm(n) > 8 * quiet);
  }
  EXPECT_NEAR(air::mean_of(power).value, n0, air::mean_of(power).four);
  EXPECT_NEAR(air::mean_of(fourth).value,
              2 * quiet * quiet * ((1 - p) + p * (1 + ratio) * (1 + ratio)),
              air::mean_of(fourth).four);
  EXPECT_NEAR(air::mean_of(loud).value, (1 - p) * std::exp(-8.0) + p * std::exp(-8 / (1 + ratio)),
              air::mean_of(loud).four);
  EXPECT_FLOAT_EQ(static_cast<float>(heard.variance[7]),
                  static_cast<float>(n0));  // the mean is what the receiver knows
}

TEST(Impulses, NoneIsWhiteNoiseToTheBit) {
  const air::Heard plain = air::hear({.snr = {10, 10}}, air::ids(3), 50, true),
                   none = air::hear({.snr = {10, 10}, .impulses = {0, 100}}, air::ids(3), 50, true);
  EXPECT_EQ(plain.y, none.y);
  EXPECT_EQ(plain.reception.header_symbols[1], none.reception.header_symbols[1]);
}

TEST(Interference, HasItsOwnPowerAndIsToldOnlyWhereKnown) {
  for (const InterferenceKind kind : {InterferenceKind::gaussian, InterferenceKind::qpsk})
    for (const bool known : {false, true}) {
      ChannelSettings settings{.snr = {20, 20}, .interference = {kind, 0.2, known}};
      const air::Heard heard = air::hear(settings, air::ids(200), 500, true),
                       alone = air::hear({.snr = {20, 20}}, air::ids(200), 500, true);
      std::vector<double> power, fourth, product;
      for (std::size_t at = 0; at < heard.y.size(); ++at) {
        const Complex i =
            heard.y[at] - alone.y[at];  // the noise is the same: interference has draws of its own
        power.push_back(std::norm(i));
        fourth.push_back(std::norm(i) * std::norm(i));
        product.push_back((i * std::conj(alone.y[at])).real());
      }
      EXPECT_NEAR(air::mean_of(power).value, 0.2, air::mean_of(power).four + 1e-6);
      EXPECT_NEAR(air::mean_of(fourth).value, kind == InterferenceKind::qpsk ? 0.04 : 0.08,
                  air::mean_of(fourth).four + 1e-6);
      EXPECT_NEAR(air::mean_of(product).value, 0, air::mean_of(product).four);
      EXPECT_NEAR(heard.variance[0], 0.01 + (known ? 0.2 : 0), 1e-6);
      EXPECT_NEAR(heard.reception.header_noise_variance[0], 0.01 + (known ? 0.2 : 0), 1e-9);
      EXPECT_NE(heard.reception.header_symbols[0], alone.reception.header_symbols[0]);
      // The transmitter counts as noise what both know.
      const Channel channel(settings);
      const Draws draws{.seed = 1, .images = {0}};
      EXPECT_NEAR(channel.observe(channel.realise(draws))[0].snr_db,
                  known ? -10 * std::log10(0.21) : 20, 1e-9);
    }
}

TEST(Interference, QpskHasFourPointsTurnedAlikeWithinAnImage) {
  const air::Heard heard = air::hear(
      {.noiseless = true, .snr = {40, 40}, .interference = {InterferenceKind::qpsk, 0.5, false}},
      air::ids(2), 400);
  std::vector<double> turned;
  for (int image = 0; image < 2; ++image) {
    int quadrants[4] = {};
    const Complex first = heard.y[static_cast<std::size_t>(image * 400)] -
                          air::sent(static_cast<std::uint32_t>(image), 0);
    turned.push_back(std::arg(first));
    for (int s = 0; s < 400; ++s) {
      const Complex ratio = (heard.y[static_cast<std::size_t>(image * 400 + s)] -
                             air::sent(static_cast<std::uint32_t>(image), s)) /
                            first;
      EXPECT_NEAR(std::abs(ratio), 1, 1e-5);
      const double quarter = std::arg(ratio) / (std::numbers::pi / 2);
      EXPECT_NEAR(quarter, std::round(quarter), 1e-5);
      ++quadrants[(static_cast<int>(std::lround(quarter)) + 4) % 4];
    }
    for (const int count : quadrants) EXPECT_NEAR(count, 100, 4 * std::sqrt(75.0));
  }
  EXPECT_GT(std::abs(turned[0] - turned[1]), 1e-3);
}

TEST(PhaseNoise, StepsAreNormalAndIndependentAndTheReceiverDoesNotFollow) {
  constexpr int images = 100, symbols = 1000;
  const double deviation = 0.05;
  const air::Heard heard =
      air::hear({.snr = {180, 180}, .phase_step = deviation}, air::ids(images), symbols);
  std::vector<double> steps, squares, fourths, pairs, walked;
  for (int i = 0; i < images; ++i) {
    double before = 0, theta = 0;
    for (int s = 0; s < symbols; ++s) {
      const auto at = static_cast<std::size_t>(i * symbols + s);
      EXPECT_EQ(heard.known[at], Complex(1));
      EXPECT_NEAR(std::abs(heard.y[at]), 1, 1e-5);
      double step = std::arg(heard.y[at] / air::sent(static_cast<std::uint32_t>(i), s)) - theta;
      step -= 2 * std::numbers::pi * std::round(step / (2 * std::numbers::pi));
      theta += step;
      if (s == 0) {
        EXPECT_NEAR(theta, 0, 1e-6);  // without a header the payload has the first use
        continue;
      }
      steps.push_back(step);
      squares.push_back(step * step);
      fourths.push_back(std::pow(step, 4));
      if (s > 1) pairs.push_back(step * before);
      before = step;
    }
    walked.push_back(theta * theta);
  }
  EXPECT_NEAR(air::mean_of(steps).value, 0, air::mean_of(steps).four);
  EXPECT_NEAR(air::mean_of(squares).value, deviation * deviation, air::mean_of(squares).four);
  EXPECT_NEAR(air::mean_of(fourths).value, 3 * std::pow(deviation, 4), air::mean_of(fourths).four);
  EXPECT_NEAR(air::mean_of(pairs).value, 0, air::mean_of(pairs).four);
  EXPECT_NEAR(air::mean_of(walked).value, (symbols - 1) * deviation * deviation,
              air::mean_of(walked).four);  // a random walk
}

TEST(PhaseNoise, GoesOnFromTheHeaderAndTheSameInTraining) {
  const ChannelSettings settings{.snr = {180, 180}, .phase_step = 0.1};
  const air::Heard evaluation = air::hear(settings, air::ids(4), 20, true),
                   training = air::hear(settings, air::ids(4), 20, true, 0, true);
  EXPECT_EQ(evaluation.y, training.y);
  EXPECT_GT(std::abs(std::arg(evaluation.y[0] / air::sent(0, 0))), 1e-3);
}

}  // namespace
}  // namespace semwave
