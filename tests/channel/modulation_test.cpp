// Constellations against the formulas of TS 38.211 written out, soft bits against an exhaustive search in double.
#include "channel/modulation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "core/random.h"

namespace semwave {
namespace {

constexpr Modulation all[] = {Modulation::bpsk, Modulation::qpsk, Modulation::qam16, Modulation::qam64};

std::complex<double> standard_point(Modulation modulation, const Bits& b) {
  const auto s = [&](std::size_t i) { return 1.0 - 2.0 * b[i]; };
  switch (modulation) {
    case Modulation::bpsk:
      return std::complex<double>(s(0), s(0)) / std::sqrt(2.0);
    case Modulation::qpsk:
      return std::complex<double>(s(0), s(1)) / std::sqrt(2.0);
    case Modulation::qam16:
      return std::complex<double>(s(0) * (2 - s(2)), s(1) * (2 - s(3))) / std::sqrt(10.0);
    case Modulation::qam64:
      return std::complex<double>(s(0) * (4 - s(2) * (2 - s(4))), s(1) * (4 - s(3) * (2 - s(5)))) / std::sqrt(42.0);
  }
  return {};
}

Bits label_bits(unsigned label, int width) {
  Bits bits;
  for (int i = width - 1; i >= 0; --i) bits.push_back((label >> i) & 1u);
  return bits;
}

TEST(Modulation, PointsAreThoseOfTheStandardWithUnitMeanPower) {
  for (const Modulation modulation : all) {
    const int width = bits_per_symbol(modulation);
    EXPECT_EQ(modulation_of(width), modulation);
    double power = 0;
    for (unsigned label = 0; label < 1u << width; ++label) {
      const Bits bits = label_bits(label, width);
      const Symbols sent = modulate(modulation, bits);
      ASSERT_EQ(sent.size(), 1u);
      EXPECT_LT(std::abs(std::complex<double>(sent[0]) - standard_point(modulation, bits)), 1e-6);
      power += std::norm(sent[0]);
    }
    EXPECT_NEAR(power / (1 << width), 1.0, 1e-6) << modulation_name(modulation);
  }
}

TEST(Modulation, NearestNeighboursDifferInOneBit) {
  for (const Modulation modulation : {Modulation::qpsk, Modulation::qam16, Modulation::qam64}) {
    const int width = bits_per_symbol(modulation);
    const double step = std::abs(standard_point(modulation, Bits(static_cast<std::size_t>(width), 0)).real()) * 2;
    const double nearest = modulation == Modulation::qpsk ? step : 2 / std::sqrt(modulation == Modulation::qam16 ? 10.0 : 42.0);
    for (unsigned a = 0; a < 1u << width; ++a)
      for (unsigned b = 0; b < a; ++b)
        if (std::abs(modulate(modulation, label_bits(a, width))[0] - modulate(modulation, label_bits(b, width))[0]) < nearest * 1.01) {
          EXPECT_EQ(std::popcount(a ^ b), 1) << modulation_name(modulation) << " " << a << " " << b;
        }
  }
}

TEST(Modulation, SoftBitsAreMaxLogLikelihoodRatios) {
  for (const Modulation modulation : all) {
    const int width = bits_per_symbol(modulation);
    for (std::uint32_t trial = 0; trial < 50; ++trial) {
      const std::complex<double> h = complex_normal(philox(5, Purpose::fading, 0, 0, trial));
      const std::complex<double> y = 1.3 * complex_normal(philox(5, Purpose::noise, 0, 0, trial));
      const double noise_variance = 0.05 + 0.1 * trial;
      std::vector<float> soft(static_cast<std::size_t>(width));
      const std::complex<float> heard(y), gain(h);
      demodulate(modulation, {&heard, 1}, {&gain, 1}, noise_variance, soft);
      for (int i = 0; i < width; ++i) {
        double best[2] = {1e300, 1e300};
        for (unsigned label = 0; label < 1u << width; ++label) {
          const Bits bits = label_bits(label, width);
          double& at = best[bits[static_cast<std::size_t>(i)]];
          at = std::min(at, std::norm(y - h * standard_point(modulation, bits)) / noise_variance);
        }
        const double expected = best[1] - best[0];
        EXPECT_NEAR(soft[static_cast<std::size_t>(i)], expected, 1e-4 * (1 + std::abs(expected))) << modulation_name(modulation) << " bit " << i;
      }
    }
  }
}

TEST(Modulation, HardDecisionsReturnTheBitsThroughAnyGain) {
  for (const Modulation modulation : all) {
    const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
    Bits bits(width * 64);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = philox(1, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0] & 1u;
    Symbols heard = modulate(modulation, bits), gains(heard.size());
    for (std::size_t s = 0; s < heard.size(); ++s) {
      gains[s] = std::complex<float>(complex_normal(philox(2, Purpose::fading, 0, 0, static_cast<std::uint32_t>(s))));
      heard[s] *= gains[s];
    }
    std::vector<float> soft(bits.size());
    demodulate(modulation, heard, gains, 0.1, soft);
    EXPECT_EQ(hard_decisions(soft), bits) << modulation_name(modulation);
  }
}

TEST(Modulation, AGainOfZeroTellsNothing) {
  for (const Modulation modulation : all) {
    const std::complex<float> heard(0.3f, -2.0f), gain(0, 0);
    std::vector<float> soft(static_cast<std::size_t>(bits_per_symbol(modulation)), 1.0f);
    demodulate(modulation, {&heard, 1}, {&gain, 1}, 0.5, soft);
    for (const float value : soft) EXPECT_EQ(value, 0.0f);
  }
}

}  // namespace
}  // namespace semwave
