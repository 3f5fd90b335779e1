// Nakagami-m gains: moments, phase, the Rayleigh law at m = 1, and what the equaliser is told of
// gains that are known coarsely. Error rates: tests/experiment/run/golden_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "channel/registry.h"
#include "tests/channel/air.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

using air::Complex;

ChannelSettings nakagami(double m, const Json& more = Json::object()) {
  Json value = more;
  value["kind"] = "nakagami";
  value["m"] = m;
  const Place place{"x.json", "/channel"};
  return channels().make(resolve(value, channels().field("channel"), place), place);
}

std::vector<Complex> gains_of(const ChannelSettings& settings, std::uint32_t count) {
  const Fading fading = Channel(settings).realise({.seed = 5, .images = air::ids(count)});
  std::vector<Complex> gains;
  for (std::uint32_t i = 0; i < count; ++i) gains.push_back(fading.gain(static_cast<int>(i), 0));
  return gains;
}

TEST(Nakagami, HasItsMomentsAndAnyPhase) {
  for (const double m : {0.5, 0.8, 1.0, 2.5, 4.0, 30.0}) {
    std::vector<double> power, fourth, sixth, real, turned;
    for (const Complex h : gains_of(nakagami(m), 40000)) {
      const double p = std::norm(h);
      power.push_back(p);
      fourth.push_back(p * p);
      sixth.push_back(p * p * p);
      real.push_back(h.real() / std::abs(h));
      turned.push_back((h * h).real() / p);
    }
    const auto expect_mean = [&](const std::vector<double>& values, double expected) {
      const air::Mean mean = air::mean_of(values);
      EXPECT_NEAR(mean.value, expected, mean.four) << m;
    };
    // E |h|^2k = m (m + 1) ... (m + k - 1) / m^k.
    expect_mean(power, 1);
    expect_mean(fourth, (m + 1) / m);
    expect_mean(sixth, (m + 1) * (m + 2) / (m * m));
    expect_mean(real, 0);
    expect_mean(turned, 0);
  }
}

/// Largest distance of the distribution of `powers` from `law`, in units of its deviation.
template <class Law>
double kolmogorov(std::vector<double> powers, Law law) {
  std::sort(powers.begin(), powers.end());
  double most = 0;
  const auto n = static_cast<double>(powers.size());
  for (std::size_t i = 0; i < powers.size(); ++i)
    most = std::max(most, std::abs((static_cast<double>(i) + 0.5) / n - law(powers[i])));
  return most * std::sqrt(n);
}

TEST(Nakagami, IsRayleighAtOneAndOneSidedGaussianAtAHalf) {
  const auto powers = [](double m) {
    std::vector<double> made;
    for (const Complex h : gains_of(nakagami(m), 20000)) made.push_back(std::norm(h));
    return made;
  };
  constexpr double limit = 1.95;  // passed by one draw in a thousand
  EXPECT_LT(kolmogorov(powers(1), [](double p) { return 1 - std::exp(-p); }), limit);
  EXPECT_LT(kolmogorov(powers(0.5), [](double p) { return std::erf(std::sqrt(p / 2)); }), limit);
  EXPECT_LT(kolmogorov(powers(2), [](double p) { return 1 - std::exp(-2 * p) * (1 + 2 * p); }),
            limit);
  EXPECT_GT(kolmogorov(powers(1.2), [](double p) { return 1 - std::exp(-p); }), limit);
}

TEST(Nakagami, AGainBelongsToItsUseHoweverManyAreDrawn) {
  const ChannelSettings settings = nakagami(0.7, {{"coherence", "symbol"}});
  const air::Heard heard = air::hear(settings, air::ids(3), 50);
  const Fading fading = Channel(settings).realise({.seed = 9, .images = air::ids(3)});
  for (int i = 0; i < 3; ++i)
    for (int s = 0; s < 50; ++s)
      EXPECT_NEAR(std::abs(heard.known[static_cast<std::size_t>(50 * i + s)] - fading.gain(i, s)),
                  0, 1e-6);
  const air::Heard block =
      air::hear(nakagami(0.7, {{"coherence", {{"block", 7}}}}), air::ids(1), 21);
  EXPECT_EQ(block.known[6], block.known[0]);
  EXPECT_NE(block.known[7], block.known[0]);
  EXPECT_EQ(block.known[20], block.known[14]);
}

TEST(Nakagami, ErrorVarianceIsTheOneTheEqualiserIsTold) {
  constexpr std::uint32_t images = 20000;
  for (const double m : {0.5, 2.5})
    for (const Json& receiver :
         {Json("none"), Json("delayed"), Json{{"kind", "estimated"}, {"pilots", 2}},
          Json{{"kind", "quantised"}, {"bits", 2}}, Json{{"kind", "quantised"}, {"bits", 4}}}) {
      const ChannelSettings settings = nakagami(m, {{"csi", {{"receiver", receiver}}}});
      const air::Heard heard = air::hear(settings, air::ids(images), 1);
      const Fading fading = Channel(settings).realise({.seed = 9, .images = air::ids(images)});
      std::vector<double> error;
      for (std::uint32_t i = 0; i < images; ++i)
        error.push_back(std::norm(heard.known[i] - fading.gain(static_cast<int>(i), 0)));
      const air::Mean mean = air::mean_of(error);
      EXPECT_NEAR(heard.variance[0] - fading.noise_variance(0), mean.value,
                  mean.four + 0.005 * mean.value)
          << m << " " << receiver;
    }
}

TEST(Nakagami, RefusesAShapeThatIsNone) {
  expect_contains(error_of([] { (void)nakagami(0.4); }), "/channel/m");
  expect_contains(error_of([] { (void)nakagami(1, {{"doppler", 0.1}}); }), "doppler");
}

}  // namespace
}  // namespace semwave
