// Philox4x32-10 against its published vectors; the laws of what is drawn from it.
#include "core/random/random.h"
#include "core/cpu/complex_normals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/cpu/normals.h"

namespace semwave {
namespace {

RandomWords words_of(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  const std::uint64_t seed = key[0] | (std::uint64_t{key[1]} << 32);
  return philox(seed, static_cast<Purpose>(counter[3]), counter[2], counter[1], counter[0]);
}

// kat_vectors of Random123 (Salmon, Moraes, Dror and Shaw 2011): philox4x32 10.
TEST(Philox, MatchesPublishedKnownAnswers) {
  EXPECT_EQ(words_of({0, 0, 0, 0}, {0, 0}),
            (RandomWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
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

// Mean 0, variance 1/2 in each dimension, uncorrelated, E|h|^4 = 2: each within four standard
// errors.
TEST(ComplexNormal, HasTheMomentsOfTheUnitComplexGaussian) {
  const int count = 200000;
  double real = 0, imaginary = 0, real2 = 0, imaginary2 = 0, product = 0, fourth = 0;
  for (int i = 0; i < count; ++i) {
    const std::complex<double> h =
        complex_normal(philox(5, Purpose::noise, 0, 0, static_cast<std::uint32_t>(i)));
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

// Every kernel against the draw in double, for every length of the last register, places in order
// and out of order.
TEST(AddComplexNormals, AgreesWithTheDrawInDouble) {
  const cpu::NormalKey key{0x123456789abcdefull, static_cast<std::uint32_t>(Purpose::noise), 7, 3};
  std::vector<std::complex<float>> x(70), y;
  std::vector<std::int32_t> places(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = {static_cast<float>(i) * 0.01f, -1.0f};
    places[i] = static_cast<std::int32_t>((i * 37 + 5) % 1000 + (i % 3 == 0 ? 0x40000000 : 0));
  }
  const auto expect = [&](std::size_t i, std::uint32_t place, const char* what, std::size_t count) {
    const std::complex<double> n =
        complex_normal(philox(key.seed, Purpose::noise, key.image, key.visit, place));
    EXPECT_LT(std::abs(std::complex<double>(y[i]) - std::complex<double>(x[i]) - 0.5 * n), 4e-7)
        << what << " " << i << " of " << count;
  };
  for (const cpu::AddNormals kernel : cpu::add_normals_kernels())
    for (std::size_t count = 0; count <= x.size(); ++count) {
      y = x;
      kernel(reinterpret_cast<float*>(y.data()), reinterpret_cast<const float*>(x.data()),
             static_cast<std::int64_t>(count), places.data(), 0, key, 0.5f);
      for (std::size_t i = 0; i < count; ++i)
        expect(i, static_cast<std::uint32_t>(places[i]), "place", count);
      EXPECT_TRUE(std::equal(y.begin() + static_cast<std::ptrdiff_t>(count), y.end(),
                             x.begin() + static_cast<std::ptrdiff_t>(count)))
          << "beyond the end, count " << count;
      y = x;
      kernel(reinterpret_cast<float*>(y.data()), reinterpret_cast<const float*>(x.data()),
             static_cast<std::int64_t>(count), nullptr, 0xfffffff0u, key, 0.5f);
      for (std::size_t i = 0; i < count; ++i)
        expect(i, 0xfffffff0u + static_cast<std::uint32_t>(i), "in order", count);
    }
}

// The bits of a sum are those of its counter, wherever it stands.
TEST(AddComplexNormals, DependsOnTheCounterAlone) {
  std::vector<std::complex<float>> all(100, {0.25f, 1.0f});
  add_complex_normals(all, all, 50, 1, Purpose::noise, 2, 3, 0.7f);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::complex<float> one(0.25f, 1.0f);
    const std::int32_t place = 50 + static_cast<std::int32_t>(i);
    add_complex_normals({&one, 1}, {&one, 1}, std::span(&place, 1), 1, Purpose::noise, 2, 3, 0.7f);
    EXPECT_EQ(one, all[i]) << i;
  }
}

// Radius and angle over two million draws, which reach u within 1e-6 of both its ends.
TEST(AddComplexNormals, HasTheStatedError) {
  for (const cpu::AddNormals kernel : cpu::add_normals_kernels()) {
    std::vector<std::complex<float>> y(1 << 16);
    double worst = 0, worst_of_small = 0;
    for (std::uint32_t round = 0; round < 32; ++round) {
      std::fill(y.begin(), y.end(), 0.0f);
      const auto first = static_cast<std::uint32_t>(round * y.size());
      kernel(reinterpret_cast<float*>(y.data()), reinterpret_cast<const float*>(y.data()),
             static_cast<std::int64_t>(y.size()), nullptr, first,
             {11, static_cast<std::uint32_t>(Purpose::noise), 0, 0}, 1.0f);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::complex<double> n =
            complex_normal(philox(11, Purpose::noise, 0, 0, first + static_cast<std::uint32_t>(i)));
        const double error = std::abs(std::complex<double>(y[i]) - n);
        worst = std::max(worst, error);
        if (std::abs(n) < 0.01) worst_of_small = std::max(worst_of_small, error / std::abs(n));
      }
    }
    EXPECT_LT(worst, 1e-6);
    EXPECT_LT(worst_of_small, 1e-6) << "relative";
  }
}

TEST(ComplexNormal, StaysFiniteAtTheEndsOfTheWord) {
  for (const std::uint32_t word : {0u, 0xffffffffu}) {
    const std::complex<double> h = complex_normal({word, word, 0, 0});
    EXPECT_TRUE(std::isfinite(h.real()) && std::isfinite(h.imag()));
  }
}

}  // namespace
}  // namespace semwave
