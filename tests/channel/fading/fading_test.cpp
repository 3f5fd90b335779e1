// Statistics of the fades, how long they last, and what the transmitter is told of them.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "channel/channel.h"
#include "channel/kind/rayleigh.h"

namespace semwave {
namespace {

Draws draws_of(std::uint32_t images, std::uint64_t seed = 3, std::uint32_t visit = 0) {
  Draws draws{.seed = seed, .visit = visit};
  for (std::uint32_t i = 0; i < images; ++i) draws.images.push_back(i);
  return draws;
}

Channel rayleigh(Coherence coherence, std::int64_t block = 1) {
  return Channel({.fading = {.gains = rayleigh_gains(), .coherence = coherence, .block = block},
                  .snr = {10, 10}});
}

TEST(Fading, GainsHaveUnitPowerAndUniformPhase) {
  // Over links and over uses: mean |h|^2 = 1, E|h|^4 = 2, phase uniform, dimensions alike and
  // uncorrelated.
  for (const bool over_links : {false, true}) {
    constexpr int count = 100000;
    const Fading fading = rayleigh(Coherence::symbol).realise(draws_of(over_links ? count : 1));
    double power = 0, fourth = 0, product = 0, real_power = 0;
    std::vector<int> sectors(16);
    for (int i = 0; i < count; ++i) {
      const std::complex<double> h = over_links ? fading.gain(i, 0) : fading.gain(0, i);
      power += std::norm(h);
      fourth += std::norm(h) * std::norm(h);
      product += h.real() * h.imag();
      real_power += h.real() * h.real();
      ++sectors[static_cast<std::size_t>((std::arg(h) + std::numbers::pi) / (2 * std::numbers::pi) *
                                         15.999999)];
    }
    EXPECT_NEAR(power / count, 1, 4 / std::sqrt(count));
    EXPECT_NEAR(fourth / count, 2, 4 * std::sqrt(20.0 / count));
    EXPECT_NEAR(product / count, 0, 4 * 0.5 / std::sqrt(count));
    EXPECT_NEAR(real_power / count, 0.5, 4 * std::sqrt(0.5 / count));
    double chi_square = 0;
    for (const int n : sectors)
      chi_square += (n - count / 16.0) * (n - count / 16.0) / (count / 16.0);
    EXPECT_LT(chi_square, 50);  // 15 degrees of freedom: 1e-5
  }
}

TEST(Fading, PowerIsExponential) {
  // Outage of the conventions: P(log2(1 + 10 |h|^2) < 1) = 0.0952.
  constexpr int count = 100000;
  const Fading fading = rayleigh(Coherence::image).realise(draws_of(count));
  int outages = 0;
  for (int i = 0; i < count; ++i) outages += std::log2(1 + 10 * std::norm(fading.gain(i, 0))) < 1;
  EXPECT_NEAR(static_cast<double>(outages) / count, 0.0952, 4 * std::sqrt(0.0952 * 0.9 / count));
}

TEST(Fading, CoherenceSaysHowLongAGainLasts) {
  const Fading symbol = rayleigh(Coherence::symbol).realise(draws_of(2)),
               block = rayleigh(Coherence::block, 5).realise(draws_of(2)),
               image = rayleigh(Coherence::image).realise(draws_of(2));
  for (int use = 1; use < 40; ++use) {
    EXPECT_NE(symbol.gain(0, use), symbol.gain(0, use - 1));
    EXPECT_EQ(block.gain(0, use) == block.gain(0, use - 1), use % 5 != 0) << use;
    EXPECT_EQ(image.gain(1, use), image.gain(1, 0));
  }
  EXPECT_NE(image.gain(0, 0), image.gain(1, 0));
}

TEST(Fading, ADrawBelongsToSeedLinkSlotAndUseAlone) {
  const Channel channel = rayleigh(Coherence::symbol);
  const Fading fading = channel.realise(draws_of(8));
  Draws one{.seed = 3, .visit = 0, .images = {5}};
  EXPECT_EQ(channel.realise(one).gain(0, 7), fading.gain(5, 7));
  one.visit = 1;
  EXPECT_NE(channel.realise(one).gain(0, 7), fading.gain(5, 7));
  one.visit = 0;
  one.seed = 4;
  EXPECT_NE(channel.realise(one).gain(0, 7), fading.gain(5, 7));
}

TEST(Fading, SnrMayBeDrawnPerImageUniformly) {
  constexpr int count = 20000;
  const Fading fading = Channel({.snr = {-5, 20}}).realise(draws_of(count));
  double mean = 0, square = 0;
  for (int i = 0; i < count; ++i) {
    EXPECT_GT(fading.snr_db(i), -5);
    EXPECT_LT(fading.snr_db(i), 20);
    mean += fading.snr_db(i) / count;
    square += fading.snr_db(i) * fading.snr_db(i) / count;
  }
  EXPECT_NEAR(mean, 7.5, 4 * 25 / std::sqrt(12.0 * count));
  EXPECT_NEAR(square - mean * mean, 625 / 12.0, 2);
  EXPECT_DOUBLE_EQ(Channel({.snr = {3, 3}}).realise(draws_of(2)).snr_db(1), 3);
  EXPECT_DOUBLE_EQ(Channel({.snr = {-5, 20}}).realise(draws_of(2), {1, 4}).snr_db(1), 4);
}

TEST(ChannelState, IsWhatPerfectKnowledgeAllows) {
  const Channel image = rayleigh(Coherence::image), symbol = rayleigh(Coherence::symbol);
  const Fading image_fading = image.realise(draws_of(50)),
               symbol_fading = symbol.realise(draws_of(50));
  const auto known = image.observe(image_fading), mean = symbol.observe(symbol_fading);
  for (int i = 0; i < 50; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_NEAR(known[at].snr_db, 10 + 10 * std::log10(std::norm(image_fading.gain(i, 0))), 1e-9);
    EXPECT_DOUBLE_EQ(mean[at].snr_db, 10);
    EXPECT_EQ(known[at].age, 0);
  }
  const Channel awgn({.snr = {4, 4}});
  EXPECT_DOUBLE_EQ(awgn.observe(awgn.realise(draws_of(1)))[0].snr_db, 4);
}

TEST(ChannelState, TheIdealChannelHasNoNoiseAndNoFade) {
  const Channel ideal({.fading = {.gains = rayleigh_gains()}, .noiseless = true, .snr = {10, 10}});
  const Fading fading = ideal.realise(draws_of(3));
  EXPECT_EQ(fading.noise_variance(1), 0);
  EXPECT_EQ(fading.gain(2, 5), std::complex<double>(1, 0));
  EXPECT_DOUBLE_EQ(ideal.observe(fading)[0].snr_db, Channel::ideal_snr_db);
}

TEST(ChannelState, ZeroDecibelIsNoiseOfVarianceOne) {  // trap 5
  EXPECT_DOUBLE_EQ(Channel({.snr = {0, 0}}).realise(draws_of(1)).noise_variance(0), 1);
  EXPECT_DOUBLE_EQ(Channel({.snr = {-10, -10}}).realise(draws_of(1)).noise_variance(0), 10);
}

}  // namespace
}  // namespace semwave
