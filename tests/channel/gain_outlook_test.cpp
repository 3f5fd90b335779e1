// What a sender has to expect of gains that it does not know.
#include "channel/gain_outlook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "channel/kind/mimo.h"
#include "channel/kind/rayleigh.h"
#include "channel/kind/tdl.h"
#include "phy/bounds/capacity.h"
#include "tests/channel/air.h"

namespace semwave {
namespace {

ChannelSettings rayleigh(Coherence coherence, std::int64_t block, CsiKind transmitter) {
  ChannelSettings made;
  made.fading = {.gains = rayleigh_gains(), .coherence = coherence, .block = block};
  made.snr = {10, 10};
  made.transmitter.kind = transmitter;
  return made;
}

TEST(GainOutlook, OneKnownGainLeavesNothingToExpect) {
  const GainOutlook outlook(rayleigh(Coherence::image, 1, CsiKind::perfect), 200);
  EXPECT_TRUE(outlook.certain({.snr_db = 4, .how = CsiKind::perfect}));
  EXPECT_EQ(outlook.snrs_db({.snr_db = 4, .how = CsiKind::perfect}), std::vector<double>{4});
  EXPECT_FALSE(outlook.certain({.snr_db = 4, .how = CsiKind::none})) << "nothing was reported yet";
}

TEST(GainOutlook, OneUnknownGainHasTheOutageOfRayleigh) {
  const GainOutlook outlook(rayleigh(Coherence::image, 1, CsiKind::none), 200);
  const std::vector<double> snrs = outlook.snrs_db({.snr_db = 10, .how = CsiKind::none});
  for (const double rate : {0.2, 1.0, 3.0}) {
    double below = 0;
    for (const double snr_db : snrs) below += std::log2(1 + std::pow(10, snr_db / 10)) < rate;
    const double expected = rayleigh_outage(10, rate), count = static_cast<double>(snrs.size());
    EXPECT_LT(std::abs(below / count - expected) / std::sqrt(expected * (1 - expected) / count), 4)
        << rate;
  }
}

TEST(GainOutlook, ManyGainsAverageToErgodicCapacity) {
  const GainOutlook outlook(rayleigh(Coherence::symbol, 1, CsiKind::perfect), 500);
  EXPECT_FALSE(outlook.certain({.snr_db = 10, .how = CsiKind::perfect}))
      << "one number does not describe many gains";
  double sum = 0;
  const std::vector<double> snrs = outlook.snrs_db({.snr_db = 10, .how = CsiKind::perfect});
  for (const double snr_db : snrs)
    sum += std::log2(1 + std::pow(10, snr_db / 10)) / static_cast<double>(snrs.size());
  EXPECT_NEAR(sum, rayleigh_capacity(10), 0.03);
  EXPECT_GT(snrs.front(), 0) << "64 gains are never all deep";
}

/// The SNR in dB that each of `images` bursts is as good as, by what its symbols meet on air.
std::vector<double> met_snrs_db(const ChannelSettings& settings, int images, int symbols) {
  const air::Heard heard =
      air::hear(settings, air::ids(static_cast<std::uint32_t>(images)), symbols);
  std::vector<double> met;
  for (int i = 0; i < images; ++i) {
    double bits = 0;
    for (int s = 0; s < symbols; ++s) {
      const auto at = static_cast<std::size_t>(i * symbols + s);
      bits += std::log2(1 + std::norm(heard.known[at]) / heard.variance[at]) / symbols;
    }
    met.push_back(10 * std::log10(std::max(std::exp2(bits) - 1, 1e-12)));
  }
  std::sort(met.begin(), met.end());
  return met;
}

TEST(GainOutlook, ExpectsTheSnrsThatBurstsOverAntennasAndTonesMeet) {
  struct Case {
    std::string name;
    ChannelSettings settings;
    int uses, symbols;
  };
  std::vector<Case> cases;
  const auto antennas = [&](int n, int m, Detector detector, Coherence coherence,
                            CsiKind transmitter) {
    ChannelSettings made = rayleigh(coherence, 16, transmitter);
    over_antennas({n, m, detector}, made);
    cases.push_back({std::to_string(n) + "x" + std::to_string(m), made, 64, 64 * n});
  };
  for (const auto& [n, m, detector] : {std::tuple{1, 4, Detector::lmmse},
                                       {2, 2, Detector::zero_forcing},
                                       {2, 2, Detector::lmmse},
                                       {2, 3, Detector::lmmse}}) {
    antennas(n, m, detector, Coherence::symbol, CsiKind::perfect);
    antennas(n, m, detector, Coherence::block, CsiKind::none);
    antennas(n, m, detector, Coherence::image, CsiKind::none);
  }
  for (const double doppler_hz : {0.0, 2000.0})
    for (const CsiKind transmitter : {CsiKind::perfect, CsiKind::none}) {
      if (doppler_hz == 0 && transmitter == CsiKind::perfect) continue;  // certain
      ChannelSettings made =
          rayleigh(doppler_hz > 0 ? Coherence::symbol : Coherence::image, 1, transmitter);
      const OfdmSettings ofdm{.subcarriers = 64, .spacing_khz = 60, .prefix = 16};
      over_tones(std::make_shared<const Ofdm>(ofdm, tap_profiles()[1]), doppler_hz, made);
      cases.push_back({"B100 " + std::to_string(doppler_hz) + " Hz", made, 6 * 80 + 79,
                       6 * 64});  // whole OFDM symbols fit
    }
  for (const Case& one : cases) {
    const Channel channel(one.settings);
    const ChannelState state =
        channel.observe(channel.realise({.seed = 9, .visit = 0, .images = air::ids(1)}))[0];
    const std::vector<double> expected = GainOutlook(one.settings, one.uses).snrs_db(state),
                              met = met_snrs_db(one.settings, 2000, one.symbols);
    const air::Mean outlook = air::mean_of(expected), mean = air::mean_of(met);
    EXPECT_NEAR(outlook.value, mean.value, std::hypot(outlook.four, mean.four)) << one.name;
    // The tail is what an outage is read from: a share p below, of as many draws.
    for (const double share : {0.05, 0.5}) {
      const double reached =
          expected[static_cast<std::size_t>(share * static_cast<double>(expected.size()))];
      const auto below =
          static_cast<double>(std::lower_bound(met.begin(), met.end(), reached) - met.begin());
      const double deviation = std::sqrt(share * (1 - share) *
                                         (1.0 / 2000 + 1.0 / static_cast<double>(expected.size())));
      EXPECT_NEAR(below / 2000, share, 4 * deviation) << one.name << ": " << reached << " dB";
    }
  }
}

TEST(GainOutlook, TheLawOfTheSnrIsExpectedWhereNothingIsKnown) {
  ChannelSettings settings;
  settings.snr = {0, 10};
  const std::vector<double> snrs =
      GainOutlook(settings, 100).snrs_db({.snr_db = 5, .how = CsiKind::none});
  EXPECT_NEAR(snrs.front(), 0, 0.1);
  EXPECT_NEAR(snrs.back(), 10, 0.1);
  EXPECT_EQ(GainOutlook(settings, 100).snrs_db({.snr_db = 7, .how = CsiKind::perfect}).size(), 1u);
  // Known interference is noise that does not vary with the SNR: at 10 dB it leaves 7 dB of them.
  settings.interference = {.kind = InterferenceKind::gaussian, .power = 0.1, .known = true};
  const std::vector<double> beside =
      GainOutlook(settings, 100).snrs_db(Channel(settings).unheard());
  EXPECT_NEAR(beside.front(), -10 * std::log10(1.1), 0.1);
  EXPECT_NEAR(beside.back(), -10 * std::log10(0.2), 0.1);
}

}  // namespace
}  // namespace semwave
