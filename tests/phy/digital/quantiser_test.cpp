// The quantiser of digital semantic links: levels, its stated error against draws, bits there and
// back, and its gradient.
#include "phy/digital/quantiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/signal/signal.h"

namespace semwave {
namespace {

/// N(0, 1/2).
float draw(std::uint32_t i) {
  return complex_normal(philox(41, Purpose::noise, 0, 0, i)).real();
}

TEST(Quantiser, LevelsAreEvenSymmetricAndReadBack) {
  for (int bits = 1; bits <= largest_quantiser_bits; ++bits) {
    const Quantiser quantiser(bits, 1.5);
    const int levels = 1 << bits;
    EXPECT_DOUBLE_EQ(quantiser.step(), 3.0 / levels);
    PooledVector<float> values;
    for (int c = 0; c < levels; ++c) {
      EXPECT_EQ(quantiser.index(quantiser.value(c)), c);
      EXPECT_NEAR(quantiser.value(c), -quantiser.value(levels - 1 - c), 1e-6);
      values.push_back(quantiser.value(c));
    }
    EXPECT_EQ(quantiser.index(-100), 0);
    EXPECT_EQ(quantiser.index(100), levels - 1);
    EXPECT_EQ(quantiser.index(std::numeric_limits<float>::quiet_NaN()), 0);
    Bits written(values.size() * static_cast<std::size_t>(bits));
    quantiser.write(values, written);
    PooledVector<float> read(values.size());
    quantiser.read(written, read);
    EXPECT_EQ(read, values);
  }
}

// Max 1960, table II: mean squared errors of N(0, 1), here of N(0, 1/2).
TEST(Quantiser, ItsErrorIsThatOfDrawsAndLeastAtItsOwnRange) {
  const double published[] = {0, 0.3634, 0.1188, 0.03744, 0.01154, 0.003495};
  for (int bits = 1; bits <= 5; ++bits) {
    const Quantiser quantiser(bits);
    EXPECT_NEAR(quantiser.error(), published[bits] / 2, published[bits] * 5e-4) << bits;
    EXPECT_GT(Quantiser(bits, quantiser.range() * 1.05).error(), quantiser.error());
    EXPECT_GT(Quantiser(bits, quantiser.range() * 0.95).error(), quantiser.error());
    double sum = 0, squares = 0;
    constexpr int count = 100000;
    for (std::uint32_t i = 0; i < count; ++i) {
      const double away = static_cast<double>(draw(i)) -
                          static_cast<double>(quantiser.value(quantiser.index(draw(i))));
      sum += away * away;
      squares += away * away * away * away;
    }
    const double mean = sum / count, deviation = std::sqrt((squares / count - mean * mean) / count);
    EXPECT_LT(std::abs(mean - quantiser.error()), 4 * deviation) << bits;
  }
}

/// The soft assignment itself.
double soft(const Quantiser& quantiser, double x, double hardness) {
  double mass = 0, sum = 0;
  for (int j = 0; j < 1 << quantiser.bits(); ++j) {
    const double level = -quantiser.range() + (j + 0.5) * quantiser.step(),
                 distance = (x - level) / quantiser.step();
    const double weight = std::exp(-hardness * distance * distance);
    mass += weight;
    sum += weight * level;
  }
  return sum / mass;
}

TEST(Quantiser, ForwardIsHardBackwardIsTheDerivativeOfTheSoftAssignment) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  constexpr int count = 200;
  for (const double hardness : {0.5, 2.0, 10.0}) {
    const Quantiser quantiser(3);
    Tape tape;
    Pass pass{.backend = *backend, .tape = &tape};
    PooledVector<float> values, upstream;
    for (std::uint32_t i = 0; i < 2 * count; ++i) {
      values.push_back(1.5f * draw(i));
      upstream.push_back(draw(1000 + i));
    }
    const Var x(backend->from_host({count, 2}, values.data()), true);
    const Var y = soft_to_hard(pass, x, quantiser, hardness);
    for (int i = 0; i < 2 * count; ++i)
      ASSERT_EQ(y.value().data()[i],
                quantiser.value(quantiser.index(values[static_cast<std::size_t>(i)])));
    // d(sum of upstream x y): handed in as the gradient of y.
    const Tensor dy = y.gradient(*backend);
    std::copy(upstream.begin(), upstream.end(), dy.data());
    const Var nothing(backend->zeros({1}), true);
    tape.backward(*backend, nothing);
    double largest = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      constexpr double h = 1e-5;
      const double v = values[i], difference = (soft(quantiser, v + h, hardness) -
                                                soft(quantiser, v - h, hardness)) /
                                               (2 * h);
      EXPECT_NEAR(x.gradient(*backend).data()[i], difference * static_cast<double>(upstream[i]),
                  1e-5 * (1 + std::abs(difference)));
      largest = std::max(largest, std::abs(difference));
    }
    EXPECT_GT(largest, 0.5);
  }
}

TEST(Quantiser, OverAllLevelsTheSoftSlopeIsAboutOne) {
  // Gradients neither vanish nor explode on average: over a cell the soft assignment climbs one
  // step.
  const Quantiser quantiser(4);
  const double step = quantiser.step(), from = quantiser.value(4);
  EXPECT_NEAR(soft(quantiser, from + step, 8) - soft(quantiser, from, 8), step, 1e-6);
}

}  // namespace
}  // namespace semwave
