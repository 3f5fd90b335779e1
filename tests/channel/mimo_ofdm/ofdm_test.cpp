// Tapped delay lines and OFDM: profiles, the time-domain path against its tones, what reaches
// beyond the prefix, estimates, costs.
#include "channel/mimo_ofdm/ofdm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "channel/kind/tdl.h"
#include "channel/mimo_ofdm/tones.h"
#include "core/base/error.h"
#include "tests/channel/air.h"

namespace semwave {
namespace {

using air::Complex;

const TapProfile& profile(const std::string& name) {
  for (const TapProfile& known : tap_profiles())
    if (known.name == name) return known;
  throw Error(name, "no such profile");
}

ChannelSettings over(const OfdmSettings& ofdm, const TapProfile& taps, double snr_db,
                     double doppler_hz = 0) {
  ChannelSettings settings{.snr = {snr_db, snr_db}};
  over_tones(std::make_shared<const Ofdm>(ofdm, taps), doppler_hz, settings);
  return settings;
}

const Ofdm& ofdm_of(const ChannelSettings& settings) {
  return dynamic_cast<const Tones&>(*settings.passage).ofdm();
}

TEST(TapProfiles, HaveTheirDelaySpreadsAndUnitPower) {
  for (const auto& [name, rms, last] :
       {std::tuple{"A30", 30.0, 290.0}, {"B100", 100.0, 480.0}, {"C300", 300.0, 2595.0}}) {
    const TapProfile& taps = profile(name);
    double power = 0;
    for (const Tap& tap : taps.taps) power += tap.power;
    EXPECT_EQ(taps.taps.size(), 12u);
    EXPECT_NEAR(power, 1, 1e-12);
    EXPECT_NEAR(taps.rms_delay_ns(), rms, 0.02 * rms) << name;
    EXPECT_EQ(taps.taps.back().delay_ns, last);
    EXPECT_NEAR(std::abs(taps.frequency_correlation(0)), 1, 1e-12);
    RecordProperty(std::string("rms_ns_") + name, std::to_string(taps.rms_delay_ns()));
    // On a grid much finer than the taps their spread stays; powers that meet in one sample add up.
    double sampled_power = 0, mean = 0, square = 0;
    for (const SampledTap& tap : sampled(taps, 2.5)) {
      sampled_power += tap.power;
      mean += tap.power * tap.delay * 2.5;
      square += tap.power * tap.delay * tap.delay * 6.25;
    }
    EXPECT_NEAR(sampled_power, 1, 1e-12);
    EXPECT_NEAR(std::sqrt(square - mean * mean), taps.rms_delay_ns(), 1);
  }
  ASSERT_EQ(sampled(profile("A30"), 1000).size(), 1u);
  EXPECT_NEAR(sampled(profile("A30"), 1000)[0].power, 1, 1e-12);
}

TEST(Ofdm, TransformIsTheUnitaryDft) {
  for (const int n : {8, 64, 256}) {
    const Ofdm ofdm({.subcarriers = n, .prefix = 0}, {"flat", {{0, 1}}});
    std::vector<Complex> x, y;
    for (int t = 0; t < n; ++t)
      x.push_back(
          complex_normal(philox(1, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(t))));
    y = x;
    ofdm.to_tones(y);
    for (const int k : {0, 1, n / 2 - 1, n - 1}) {
      Complex sum;
      for (int t = 0; t < n; ++t)
        sum += x[static_cast<std::size_t>(t)] *
               std::polar(1 / std::sqrt(static_cast<double>(n)), -2 * std::numbers::pi * k * t / n);
      EXPECT_NEAR(std::abs(sum - y[static_cast<std::size_t>(k)]), 0, 1e-12);
    }
    ofdm.to_time(y);
    for (int t = 0; t < n; ++t)
      EXPECT_NEAR(std::abs(x[static_cast<std::size_t>(t)] - y[static_cast<std::size_t>(t)]), 0,
                  1e-12);
  }
}

/// Noise so far down that a float does not see it.
constexpr double silent_db = 190;

TEST(Ofdm, TimeDomainConvolutionEqualsTonesWithinThePrefix) {
  for (const std::string name : {"A30", "B100", "C300"})
    for (const double doppler_hz : {0.0, 300.0}) {
      const ChannelSettings settings = over({.subcarriers = 64, .spacing_khz = 200, .prefix = 40},
                                            profile(name), silent_db, doppler_hz);
      ASSERT_LE(ofdm_of(settings).taps().back().delay, 40);
      const air::Heard heard = air::hear(settings, air::ids(3), 200);
      const Draws draws{.seed = 9, .images = air::ids(3)};
      const Fading fading = Channel(settings).realise(draws);
      for (int i = 0; i < 3; ++i)
        for (int s = 0; s < 200; ++s) {
          // H of this tone and OFDM symbol, from the taps.
          Complex h;
          for (std::size_t l = 0; l < ofdm_of(settings).taps().size(); ++l) {
            const SampledTap& tap = ofdm_of(settings).taps()[l];
            h += std::sqrt(tap.power) *
                 LinkGains(fading, i, static_cast<int>(l)).at(fading.coherence_index(s / 64)) *
                 std::polar(1.0, -2 * std::numbers::pi * (s % 64) * tap.delay / 64);
          }
          const auto at = static_cast<std::size_t>(i * 200 + s);
          EXPECT_NEAR(std::abs(heard.y[at] - h * air::sent(static_cast<std::uint32_t>(i), s)), 0,
                      1e-5)
              << name << " " << s;
          EXPECT_NEAR(std::abs(heard.known[at] - h), 0, 1e-5);
        }
    }
}

TEST(Ofdm, ADelayBeyondThePrefixInterferesWithThePowerOfTheory) {
  // Two taps, the second 24 samples late, prefix 8: e = 16 of N = 64, interference p (e/N) (2 -
  // e/N).
  const TapProfile two{"two", {{0, 0.6}, {24 * 1e6 / (64 * 200), 0.4}}};
  for (const int prefix : {24, 8}) {
    const ChannelSettings settings =
        over({.subcarriers = 64, .spacing_khz = 200, .prefix = prefix}, two, silent_db);
    ASSERT_EQ(ofdm_of(settings).taps()[1].delay, 24);
    constexpr int images = 400, symbols = 64 * 6;
    const air::Heard heard = air::hear(settings, air::ids(images), symbols);
    std::vector<double> power, gain;
    for (int i = 0; i < images; ++i) {
      double sum = 0;
      for (int s = 64; s < symbols; ++s) {  // the first OFDM symbol has none before it
        const auto at = static_cast<std::size_t>(i * symbols + s);
        sum +=
            std::norm(heard.y[at] - heard.known[at] * air::sent(static_cast<std::uint32_t>(i), s)) /
            (symbols - 64);
      }
      power.push_back(sum);
      gain.push_back(heard.reception.mean_gain[static_cast<std::size_t>(i)]);
    }
    const double share = (24 - prefix) / 64.0, expected = 0.4 * share * (2 - share);
    EXPECT_NEAR(air::mean_of(power).value, expected, air::mean_of(power).four + 1e-9) << prefix;
    EXPECT_NEAR(air::mean_of(gain).value, 0.6 + 0.4 * (1 - share) * (1 - share),
                air::mean_of(gain).four);
    EXPECT_LT(heard.variance[0], 1e-12);  // nobody tells the receiver
    if (prefix == 24) {
      EXPECT_LT(air::mean_of(power).value, 1e-10);
    }
  }
}

TEST(Ofdm, TonesFadeAsTheProfileSays) {
  // Power, frequency correlation and Clarke's law over many fades.
  const ChannelSettings settings =
      over({.subcarriers = 64, .spacing_khz = 60, .prefix = 16}, profile("C300"), 20, 10000);
  constexpr int images = 8000, symbols = 128;
  const air::Heard heard = air::hear(settings, air::ids(images), symbols);
  std::vector<double> power, near_re, far_re, far_im, next;
  for (std::size_t i = 0; i < images; ++i) {
    const Complex* h = heard.known.data() + i * symbols;
    power.push_back(std::norm(h[5]));
    near_re.push_back((h[5] * std::conj(h[6])).real());
    far_re.push_back((h[5] * std::conj(h[13])).real());
    far_im.push_back((h[5] * std::conj(h[13])).imag());
    next.push_back((h[64 + 5] * std::conj(h[5])).real());
  }
  const double df = 60e3;
  // Rounding to samples of 260 ns moves taps: the grid's own correlation, which the profile's is
  // near.
  EXPECT_NEAR(air::mean_of(power).value, 1, air::mean_of(power).four);
  EXPECT_NEAR(air::mean_of(near_re).value, ofdm_of(settings).correlation(1).real(),
              air::mean_of(near_re).four);
  EXPECT_NEAR(air::mean_of(far_re).value, ofdm_of(settings).correlation(8).real(),
              air::mean_of(far_re).four);
  EXPECT_NEAR(air::mean_of(far_im).value, ofdm_of(settings).correlation(8).imag(),
              air::mean_of(far_im).four);
  EXPECT_NEAR(
      std::abs(ofdm_of(settings).correlation(1) - profile("C300").frequency_correlation(df)), 0,
      0.02);
  EXPECT_NEAR(
      std::abs(ofdm_of(settings).correlation(8) - profile("C300").frequency_correlation(8 * df)), 0,
      0.12);
  EXPECT_NEAR(
      air::mean_of(next).value,
      std::cyl_bessel_j(0, 2 * std::numbers::pi * 10000 * ofdm_of(settings).symbol_seconds()),
      air::mean_of(next).four);
}

TEST(Ofdm, EstimatesErrAsTheReceiverIsTold) {
  for (const PilotLayout layout : {PilotLayout::tones, PilotLayout::symbols})
    for (const double doppler_hz : {0.0, 1500.0}) {
      ChannelSettings settings = over({.subcarriers = 64,
                                       .spacing_khz = 60,
                                       .prefix = 16,
                                       .layout = layout,
                                       .pilot_spacing = 3},
                                      profile("B100"), 12, doppler_hz);
      settings.receiver = {.kind = CsiKind::estimated, .pilots = 1};
      constexpr int images = 3000, symbols = 150;
      const air::Heard heard = air::hear(settings, air::ids(images), symbols);
      const double n0 = std::pow(10, -1.2);
      // Symbol by symbol: the mean error over images against the variance told, and the noise that
      // is there.
      for (const int s : {0, 1, 30, 149}) {
        std::vector<double> left;
        for (std::size_t i = 0; i < images; ++i) {
          const std::size_t at = i * symbols + static_cast<std::size_t>(s);
          left.push_back(std::norm(heard.y[at] -
                                   heard.known[at] * air::sent(static_cast<std::uint32_t>(i), s)));
        }
        const double told = heard.variance[static_cast<std::size_t>(s)];
        EXPECT_GT(told, n0);
        EXPECT_NEAR(air::mean_of(left).value, told, air::mean_of(left).four)
            << s << " " << doppler_hz;
      }
    }
}

TEST(Ofdm, PrefixAndPilotsAreInTheLedger) {
  const TapProfile flat{"flat", {{0, 1}}};
  const Ofdm tones(
      {.subcarriers = 64, .prefix = 16, .layout = PilotLayout::tones, .pilot_spacing = 4}, flat);
  // 48 data tones a symbol: 100 symbols take three.
  Ledger uses = tones.uses(30, 70, true);
  EXPECT_EQ(uses.prefix, 48);
  EXPECT_EQ(uses.pilots, 48);
  EXPECT_EQ(uses.header, 30);
  EXPECT_EQ(uses.payload, 3 * 48 - 30);
  EXPECT_EQ(uses.total(), 3 * 80);
  uses = tones.uses(30, 70, false);
  EXPECT_EQ(uses.total(), 2 * 80);
  EXPECT_EQ(uses.pilots, 0);
  const Ofdm symbols(
      {.subcarriers = 64, .prefix = 16, .layout = PilotLayout::symbols, .pilot_spacing = 2}, flat);
  // Five symbols of data and one of pilots before each two.
  uses = symbols.uses(0, 5 * 64, true);
  EXPECT_EQ(uses.pilots, 3 * 64);
  EXPECT_EQ(uses.prefix, 8 * 16);
  EXPECT_EQ(uses.payload, 5 * 64);
  EXPECT_EQ(symbols.uses(10, 0, false).header, 64);
  EXPECT_EQ(symbols.uses(0, 0, true).total(), 0);
  // Every place is a pilot or data, and as many of each as counted.
  for (const Ofdm* ofdm : {&tones, &symbols})
    for (const std::int64_t data : {1, 47, 48, 49, 64, 65, 300}) {
      std::int64_t pilots = 0, room = 0;
      for (std::int64_t q = 0; q < ofdm->symbols(data, true); ++q)
        for (int k = 0; k < 64; ++k) ++(ofdm->is_pilot(q, k, true) ? pilots : room);
      EXPECT_EQ(pilots, ofdm->uses(data, 0, true).pilots) << data;
      EXPECT_EQ(room, ofdm->uses(data, 0, true).header);
      EXPECT_GE(room, data);
    }
}

TEST(Ofdm, HeadersTravelWithThePayload) {
  ChannelSettings settings =
      over({.subcarriers = 64, .spacing_khz = 60, .prefix = 16, .pilot_spacing = 4},
           profile("B100"), 15);
  settings.receiver = {.kind = CsiKind::estimated, .pilots = 1};
  const air::Heard heard = air::hear(settings, air::ids(5), 40, true);
  for (std::size_t i = 0; i < 5; ++i) {
    const auto header = static_cast<std::int64_t>(heard.reception.header_symbols[i].size());
    EXPECT_EQ(header, static_cast<std::int64_t>(heard.reception.header_gains[i].size()));
    EXPECT_EQ(heard.reception.ledger[i].header, header);
    EXPECT_GT(heard.reception.header_noise_variance[i], std::pow(10, -1.5));
    EXPECT_EQ(heard.reception.ledger[i].total() % 80, 0);
  }
}

TEST(Ofdm, RefusesAProfileLongerThanPrefixAndSymbol) {
  EXPECT_THROW(Ofdm({.subcarriers = 8, .spacing_khz = 1000, .prefix = 2}, profile("C300")), Error);
}

}  // namespace
}  // namespace semwave
