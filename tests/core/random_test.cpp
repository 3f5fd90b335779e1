// Philox4x32-10 against its published vectors; the laws of what is drawn from it.
#include "core/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace semwave {
namespace {

RandomWords words_of(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const std::uint64_t seed = key[0] | (std::uint64_t{key[1]} << 32);
  return philox(seed, static_cast<Purpose>(counter[3]), counter[2], counter[1], counter[0]);
}

// kat_vectors of Random123 (Salmon, Moraes, Dror and Shaw 2011): philox4x32 10.
TEST(Philox, MatchesPublishedKnownAnswers) {
  EXPECT_EQ(words_of({0, 0, 0, 0}, {0, 0}), (RandomWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(words_of({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (RandomWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(words_of({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (RandomWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryPartOfKeyAndCounterMatters) {
  const RandomWords base = philox(7, Purpose::noise, 3, 2, 1);
  EXPECT_NE(base, philox(8, Purpose::noise, 3, 2, 1));
  EXPECT_NE(base, philox(7 + (std::uint64_t{1} << 32), Purpose::noise, 3, 2, 1));
  EXPECT_NE(base, philox(7, Purpose::fading, 3, 2, 1));
  EXPECT_NE(base, philox(7, Purpose::noise, 4, 2, 1));
  EXPECT_NE(base, philox(7, Purpose::noise, 3, 3, 1));
  EXPECT_NE(base, philox(7, Purpose::noise, 3, 2, 2));
  EXPECT_EQ(base, philox(7, Purpose::noise, 3, 2, 1));
}

TEST(Uniform, LiesInTheOpenInterval) {
  EXPECT_GT(uniform(0), 0.0);
  EXPECT_LT(uniform(0xffffffffu), 1.0);
  EXPECT_DOUBLE_EQ(uniform(0x80000000u), 0.5 + 0x1p-33);
}

// Mean 0, variance 1/2 in each dimension, uncorrelated, E|h|^4 = 2: each within four standard errors.
TEST(ComplexNormal, HasTheMomentsOfTheUnitComplexGaussian) {
  const int count = 200000;
  double real = 0, imaginary = 0, real2 = 0, imaginary2 = 0, product = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const std::complex<double> h = complex_normal(philox(5, Purpose::noise, 0, 0, static_cast<std::uint32_t>(i)));
    real += h.real();
    imaginary += h.imag();
    real2 += h.real() * h.real();
    imaginary2 += h.imag() * h.imag();
    product += h.real() * h.imag();
    fourth += std::norm(h) * std::norm(h);
  }
  const double error = 4.0 / std::sqrt(count);
  EXPECT_NEAR(real / count, 0.0, error * std::sqrt(0.5));
  EXPECT_NEAR(imaginary / count, 0.0, error * std::sqrt(0.5));
  EXPECT_NEAR(real2 / count, 0.5, error * std::sqrt(0.5));
  EXPECT_NEAR(imaginary2 / count, 0.5, error * std::sqrt(0.5));
  EXPECT_NEAR(product / count, 0.0, error * 0.5);
  EXPECT_NEAR(fourth / count, 2.0, error * std::sqrt(20.0));  // var |h|^4 = 24 - 4
}

TEST(ComplexNormal, StaysFiniteAtTheEndsOfTheWord) {
  for (const std::uint32_t word : {0u, 0xffffffffu}) {
    const std::complex<double> h = complex_normal({word, word, 0, 0});
    EXPECT_TRUE(std::isfinite(h.real()) && std::isfinite(h.imag()));
  }
}

}  // namespace
}  // namespace semwave
