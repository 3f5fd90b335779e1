// Constellations against the formulas of TS 38.211 written out, soft bits against an exhaustive
// search in double.
#include "phy/modulation/modulation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>

#include "core/random/random.h"
#include "phy/modulation/demap_kernels.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

constexpr Modulation all[] = {Modulation::bpsk, Modulation::qpsk, Modulation::qam16,
                              Modulation::qam64, Modulation::qam256};

std::complex<double> standard_point(Modulation modulation, const Bits& b) {
  const auto s = [&](std::size_t i) { return 1.0 - 2.0 * b[i]; };
  switch (bits_per_symbol(modulation)) {
    case 1:
      return std::complex<double>(s(0), s(0)) / std::sqrt(2.0);
    case 2:
      return std::complex<double>(s(0), s(1)) / std::sqrt(2.0);
    case 4:
      return std::complex<double>(s(0) * (2 - s(2)), s(1) * (2 - s(3))) / std::sqrt(10.0);
    case 6:
      return std::complex<double>(s(0) * (4 - s(2) * (2 - s(4))), s(1) * (4 - s(3) * (2 - s(5)))) /
             std::sqrt(42.0);
    case 8:
      return std::complex<double>(s(0) * (8 - s(2) * (4 - s(4) * (2 - s(6)))),
                                  s(1) * (8 - s(3) * (4 - s(5) * (2 - s(7))))) /
             std::sqrt(170.0);
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
  for (const Modulation modulation :
       {Modulation::qpsk, Modulation::qam16, Modulation::qam64, Modulation::qam256}) {
    const int width = bits_per_symbol(modulation);
    const double nearest = 2 / std::sqrt(2.0 / 3 * ((1 << width) - 1));
    for (unsigned a = 0; a < 1u << width; ++a)
      for (unsigned b = 0; b < a; ++b)
        if (std::abs(modulate(modulation, label_bits(a, width))[0] -
                     modulate(modulation, label_bits(b, width))[0]) < nearest * 1.01) {
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
        EXPECT_NEAR(soft[static_cast<std::size_t>(i)], expected, 1e-4 * (1 + std::abs(expected)))
            << modulation_name(modulation) << " bit " << i;
      }
    }
  }
}

TEST(Modulation, HardDecisionsReturnTheBitsThroughAnyGain) {
  for (const Modulation modulation : all) {
    const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
    Bits bits(width * 64);
    for (std::size_t i = 0; i < bits.size(); ++i)
      bits[i] = philox(1, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0] & 1u;
    Symbols heard = modulate(modulation, bits), gains(heard.size());
    for (std::size_t s = 0; s < heard.size(); ++s) {
      gains[s] = std::complex<float>(
          complex_normal(philox(2, Purpose::fading, 0, 0, static_cast<std::uint32_t>(s))));
      heard[s] *= gains[s];
    }
    std::vector<float> soft(bits.size());
    demodulate(modulation, heard, gains, 0.1, soft);
    EXPECT_EQ(hard_decisions(soft), bits) << modulation_name(modulation);
  }
}

struct Heard {
  Symbols symbols;
  std::vector<float> noise_variance;
};

/// Odd in number, so that the last vector of symbols is filled in part.
Heard some_symbols() {
  Heard heard;
  for (std::uint32_t s = 0; s < 77; ++s) {
    heard.symbols.push_back(
        std::complex<float>(1.2 * complex_normal(philox(7, Purpose::noise, 0, 0, s))));
    heard.noise_variance.push_back(0.02f + 0.03f * static_cast<float>(s % 20));
  }
  return heard;
}

TEST(Modulation, DemapIsTheSearchOfDemodulate) {
  const Heard heard = some_symbols();
  const Symbols gains(heard.symbols.size(), 1.0f);
  for (const Modulation modulation : all) {
    const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
    std::vector<float> searched(heard.symbols.size() * width), mapped(searched.size()),
        one_by_one(searched.size());
    demodulate(modulation, heard.symbols, gains, 0.07, searched);
    demap(modulation, heard.symbols, 0.07, mapped);
    for (std::size_t i = 0; i < searched.size(); ++i)
      EXPECT_NEAR(mapped[i], searched[i], 3e-5 * (1 + std::abs(searched[i])))
          << modulation_name(modulation) << " " << i;
    demap(modulation, heard.symbols, heard.noise_variance, one_by_one);
    for (std::size_t i = 0; i < searched.size(); ++i)
      EXPECT_NEAR(one_by_one[i] * heard.noise_variance[i / width] / 0.07f, searched[i],
                  3e-5 * (1 + std::abs(searched[i])))
          << modulation_name(modulation);
  }
}

TEST(Modulation, ASymbolIsDemappedAloneAsAmongOthers) {
  const Heard heard = some_symbols();
  for (const Modulation modulation : all) {
    const auto width = static_cast<std::size_t>(bits_per_symbol(modulation));
    std::vector<float> together(heard.symbols.size() * width), alone(width);
    demap(modulation, heard.symbols, 0.1, together);
    for (std::size_t s = 0; s < heard.symbols.size(); ++s) {
      demap(modulation, {&heard.symbols[s], 1}, 0.1, alone);
      for (std::size_t b = 0; b < width; ++b) EXPECT_EQ(alone[b], together[s * width + b]);
    }
  }
}

TEST(Modulation, ExactSoftBitsAreLogarithmsOfSumsOverTheConstellation) {
  const Heard heard = some_symbols();
  for (const Modulation modulation : all) {
    const int width = bits_per_symbol(modulation);
    std::vector<float> exact(heard.symbols.size() * static_cast<std::size_t>(width));
    demap_exact(modulation, heard.symbols, heard.noise_variance, exact);
    for (std::size_t s = 0; s < heard.symbols.size(); ++s)
      for (int i = 0; i < width; ++i) {
        long double sum[2] = {0, 0};
        for (unsigned label = 0; label < 1u << width; ++label) {
          const Bits bits = label_bits(label, width);
          sum[bits[static_cast<std::size_t>(i)]] +=
              std::exp(static_cast<long double>(-std::norm(std::complex<double>(heard.symbols[s]) -
                                                           standard_point(modulation, bits)) /
                                                heard.noise_variance[s]));
        }
        const double expected = static_cast<double>(std::log(sum[0]) - std::log(sum[1]));
        EXPECT_NEAR(exact[s * static_cast<std::size_t>(width) + static_cast<std::size_t>(i)],
                    expected, 1e-5 * (1 + std::abs(expected)))
            << modulation_name(modulation) << " bit " << i;
      }
  }
}

TEST(Modulation, MaxLogMeetsTheExactRatioWithoutNoiseAndNotInIt) {
  const Heard heard = some_symbols();
  const std::vector<float> quiet(heard.symbols.size(), 1e-3f), loud(heard.symbols.size(), 1.0f);
  std::vector<float> exact(heard.symbols.size() * 4), max_log(exact.size());
  double apart = 0;
  demap_exact(Modulation::qam16, heard.symbols, quiet, exact);
  demap(Modulation::qam16, heard.symbols, quiet, max_log);
  // log 2 is the most that the sum of two terms can add.
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(exact[i], max_log[i], 0.7 + 1e-4 * std::abs(exact[i]));
  demap_exact(Modulation::qam16, heard.symbols, loud, exact);
  demap(Modulation::qam16, heard.symbols, loud, max_log);
  for (std::size_t i = 0; i < exact.size(); ++i)
    apart = std::max(apart, std::abs(double(exact[i]) - max_log[i]));
  EXPECT_GT(apart, 0.05);
}

TEST(Modulation, EveryVariantOfTheInstructionSetMakesTheSameSoftBits) {
  const Heard heard = some_symbols();
  const auto* z = reinterpret_cast<const float*>(heard.symbols.data());
  for (const Modulation modulation : all) {
    std::vector<float> best(heard.symbols.size() *
                            static_cast<std::size_t>(bits_per_symbol(modulation))),
        made(best.size());
    for (const bool each : {false, true})
      for (const cpu::DemapGray kernel : cpu::demap_kernels()) {
        const float* variance = each ? heard.noise_variance.data() : nullptr;
        cpu::demap_kernels().front()(bits_per_symbol(modulation), z, heard.symbols.size(), variance,
                                     7, best.data());
        kernel(bits_per_symbol(modulation), z, heard.symbols.size(), variance, 7, made.data());
        EXPECT_EQ(made, best) << modulation_name(modulation);
      }
  }
}

// Constellations from outside.

std::shared_ptr<const Constellation> psk8() {
  std::vector<std::complex<double>> points(8);
  for (unsigned step = 0; step < 8; ++step)
    points[step ^ (step >> 1)] = std::polar(3.0, std::numbers::pi / 4 * step);  // Gray-mapped
  return std::make_shared<const Constellation>("8-PSK", points);
}

TEST(Constellation, TheSearchOverPointsIsWhatTheFastDemappersDo) {
  const Heard heard = some_symbols();
  for (const Modulation modulation : all) {
    const Constellation& points = modulation.points();
    EXPECT_EQ(points.bits(), bits_per_symbol(modulation));
    std::vector<float> fast(heard.symbols.size() * static_cast<std::size_t>(points.bits())),
        searched(fast.size());
    demap(modulation, heard.symbols, heard.noise_variance, fast);
    points.demap(heard.symbols, heard.noise_variance, searched);
    for (std::size_t i = 0; i < fast.size(); ++i)
      EXPECT_NEAR(searched[i], fast[i], 1e-4 * (1 + std::abs(fast[i]))) << points.name();
    demap_exact(modulation, heard.symbols, heard.noise_variance, fast);
    points.demap_exact(heard.symbols, heard.noise_variance, searched);
    for (std::size_t i = 0; i < fast.size(); ++i)
      EXPECT_NEAR(searched[i], fast[i], 1e-4 * (1 + std::abs(fast[i]))) << points.name();
  }
}

TEST(Constellation, OneFromOutsideIsUsedLikeAnyOther) {
  modulations().add("8-psk-here", {.summary = "eight phases"},
                    [](const Json&) { return Modulation::of(psk8()); });
  const Modulation psk = modulations().make({{"kind", "8-psk-here"}}, {});
  EXPECT_EQ(psk, Modulation::of(psk8())) << "the same points are the same modulation";
  EXPECT_NE(psk, Modulation::qpsk);
  EXPECT_FALSE(psk.gray());
  Bits bits(3 * 40);
  for (std::size_t i = 0; i < bits.size(); ++i)
    bits[i] = philox(1, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0] & 1u;
  const Symbols sent = modulate(psk, bits);
  ASSERT_EQ(sent.size(), 40u);
  for (const std::complex<float>& symbol : sent) EXPECT_NEAR(std::abs(symbol), 1, 1e-6);
  std::vector<float> soft(bits.size());
  demap(psk, sent, 0.1, soft);
  EXPECT_EQ(hard_decisions(soft), bits);
  demap_exact(psk, sent, std::vector<float>(sent.size(), 0.1f), soft);
  EXPECT_EQ(hard_decisions(soft), bits);
}

TEST(Constellation, WhatIsNoneIsRefused) {
  const auto refusal = [](std::vector<std::complex<double>> points) {
    return error_of([&] { Constellation("odd", points); });
  };
  expect_contains(refusal({1, 2, 3}), "a power of two");
  expect_contains(refusal({0, 0}), "no power");
  expect_contains(refusal({1, 1, -1, std::complex<double>(0, 1)}), "two labels");
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
