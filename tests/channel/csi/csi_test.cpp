// What each end knows of the link, and what that knowledge costs: beliefs against the channel's
// law, error variances, pilots.
#include "channel/csi/csi.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "channel/channel.h"
#include "channel/kind/bsc.h"
#include "channel/kind/mimo.h"
#include "channel/kind/rayleigh.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/header/semantic_header.h"
#include "tests/channel/air.h"

namespace semwave {
namespace {

Draws draws_of(std::uint32_t images, std::uint32_t visit = 0, std::uint64_t seed = 3) {
  Draws draws{.seed = seed, .visit = visit};
  for (std::uint32_t i = 0; i < images; ++i) draws.images.push_back(i);
  return draws;
}

const FadingLaw rayleigh{.gains = rayleigh_gains()};

/// One payload symbol 1 an image, a header where `header`; heard in evaluation.
Reception hear(Backend& backend, const Channel& channel, std::uint32_t images, int symbols = 1,
               std::uint32_t visit = 0) {
  Pass pass{.backend = backend, .draws = draws_of(images, visit)};
  Burst burst{.starts = {0}};
  for (std::uint32_t i = 0; i < images; ++i) {
    burst.headers.emplace_back();
    burst.ledger.emplace_back();
    for (int s = 0; s < symbols; ++s) burst.places.push_back(s);
    burst.starts.push_back(static_cast<std::int32_t>(burst.places.size()));
  }
  burst.symbols = Var(backend.zeros({static_cast<std::int64_t>(burst.places.size()), 2}));
  return channel.apply(pass, burst, channel.realise(pass.draws));
}

PooledVector<float> host(Backend& backend, const Tensor& tensor) {
  PooledVector<float> values(static_cast<std::size_t>(tensor.size()));
  backend.to_host(tensor, values.data());
  return values;
}

/// Mean |known - true|^2 over images, and the error variance the equaliser is told.
std::pair<double, double> receiver_error(const ChannelSettings& settings, std::uint32_t visit = 5) {
  const auto backend = make_cpu_backend();
  const Channel channel(settings);
  constexpr std::uint32_t images = 20000;
  const Reception heard = hear(*backend, channel, images, 1, visit);
  const Fading fading = channel.realise(draws_of(images, visit));
  const PooledVector<float> known = host(*backend, heard.gains),
                            variance = host(*backend, heard.noise_variance);
  double sum = 0;
  for (std::uint32_t i = 0; i < images; ++i)
    sum += std::norm(std::complex<double>(known[2 * i], known[2 * i + 1]) -
                     fading.gain(static_cast<int>(i), 0)) /
           images;
  return {sum, variance[0] - fading.noise_variance(0)};
}

TEST(ReceiverCsi, ErrorVarianceIsTheOneTheEqualiserIsTold) {
  // |e|^2 of CN(0, v) has deviation v: 20,000 images, four deviations.
  const double four = 4 / std::sqrt(20000.0);
  for (const int pilots : {1, 4, 16}) {
    const auto [measured, told] =
        receiver_error({.fading = rayleigh,
                        .snr = {7, 7},
                        .receiver = {.kind = CsiKind::estimated, .pilots = pilots}});
    const double expected = std::pow(10, -0.7) / pilots;
    EXPECT_NEAR(told, expected, 1e-6);
    EXPECT_NEAR(measured / expected, 1, four);
    RecordProperty("error_over_N0_per_pilots_" + std::to_string(pilots),
                   std::to_string(measured / expected));
  }
  for (const double doppler : {0.05, 0.2}) {
    FadingLaw law = rayleigh;
    law.doppler = doppler;
    const auto [measured, told] =
        receiver_error({.fading = law, .receiver = {.kind = CsiKind::delayed, .delay = 2}});
    EXPECT_NEAR(told, 2 * (1 - std::cyl_bessel_j(0, 2 * std::numbers::pi * doppler * 2)), 1e-6);
    EXPECT_NEAR(measured / told, 1, four);
  }
  const auto [stale, stale_told] =
      receiver_error({.fading = rayleigh, .receiver = {.kind = CsiKind::delayed, .delay = 1}});
  EXPECT_NEAR(stale_told, 2, 1e-6);  // each slot its own draw: the past says nothing
  EXPECT_NEAR(stale / 2, 1, four);
  const auto [coarse, coarse_told] =
      receiver_error({.fading = rayleigh, .receiver = {.kind = CsiKind::quantised, .bits = 5}});
  EXPECT_NEAR(coarse_told, std::pow(6.0 / 32, 2) / 6, 1e-4);
  EXPECT_NEAR(coarse / coarse_told, 1, 0.05);
  for (const int bits : {1, 2, 3}) {  // cells so coarse that width^2 / 12 is far off
    const auto [measured, told] = receiver_error(
        {.fading = rayleigh, .receiver = {.kind = CsiKind::quantised, .bits = bits}});
    EXPECT_NEAR(measured / told, 1, 0.05) << bits;
  }
  const auto [blind, blind_told] =
      receiver_error({.fading = rayleigh, .receiver = {.kind = CsiKind::none}});
  EXPECT_NEAR(blind_told, 2, 1e-6);
  EXPECT_NEAR(blind / 2, 1, 2 * four);
  const auto [sure, sure_told] = receiver_error({.fading = rayleigh});
  EXPECT_NEAR(sure, 0, 1e-12);
  EXPECT_NEAR(sure_told, 0, 1e-6);
}

TEST(ReceiverCsi, ErrorVarianceAfterCombiningIsTheOneTheEqualiserIsTold) {
  const auto over = [](std::optional<double> doppler, const Csi& receiver) {
    ChannelSettings made{
        .fading = rayleigh, .snr = {60, 60}, .receiver = receiver};  // what is wrong is not noise
    made.fading.doppler = doppler;
    return made;
  };
  std::vector<ChannelSettings> cases;
  for (const std::optional<double> doppler : {std::optional<double>(), {0.05}, {0.1}})
    cases.push_back(over(doppler, {.kind = CsiKind::delayed, .delay = 1}));
  cases.push_back(over(0.1, {.kind = CsiKind::delayed, .delay = 0}));
  for (const int bits : {1, 2, 3, 5, 10})
    cases.push_back(over({}, {.kind = CsiKind::quantised, .bits = bits}));
  for (ChannelSettings settings : cases)
    for (const int branches : {1, 2, 8}) {
      settings.fading.branches = branches;
      const air::Heard heard = air::hear(settings, air::ids(5000), 1, false, 5);
      std::vector<double> left;
      for (std::uint32_t i = 0; i < 5000; ++i)
        left.push_back(std::norm(heard.y[i] - heard.known[i] * air::sent(i, 0)));
      const air::Mean mean = air::mean_of(left);
      // What coarse cells leave of a gain is not Gaussian: 3 % at most.
      const double coarse =
          settings.receiver.kind == CsiKind::quantised ? 0.03 * heard.variance[0] : 0;
      EXPECT_NEAR(heard.variance[0], mean.value, mean.four + coarse)
          << branches << " branches, kind " << static_cast<int>(settings.receiver.kind) << ", bits "
          << settings.receiver.bits;
    }
}

TEST(ReceiverCsi, PilotsAreChannelUses) {
  const auto backend = make_cpu_backend();
  const Channel image({.fading = rayleigh, .receiver = {.kind = CsiKind::estimated, .pilots = 6}});
  EXPECT_EQ(hear(*backend, image, 2, 50).ledger[1].pilots, 6);
  EXPECT_EQ(hear(*backend, image, 2, 50).ledger[1].payload, 50);
  // Blocks of 10 uses, 3 of them pilots: 7 carry data, so 50 symbols need 8 blocks; and the fades
  // change with them.
  const Channel block(
      {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::block, .block = 10},
       .receiver = {.kind = CsiKind::estimated, .pilots = 3}});
  EXPECT_EQ(hear(*backend, block, 1, 50).ledger[0].pilots, 24);
  const Fading fading = block.realise(draws_of(1));
  EXPECT_EQ(fading.gain(0, 6), fading.gain(0, 0));
  EXPECT_NE(fading.gain(0, 7), fading.gain(0, 0));
  const Channel both({.fading = rayleigh,
                      .transmitter = {.kind = CsiKind::estimated, .pilots = 5},
                      .receiver = {.kind = CsiKind::estimated, .pilots = 6}});
  EXPECT_EQ(hear(*backend, both, 1, 50).ledger[0].pilots, 11);
  EXPECT_EQ(hear(*backend, Channel({.fading = rayleigh}), 1, 50).ledger[0].pilots, 0);
}

TEST(ReceiverCsi, WhereNothingIsSentThereIsNoGainToEstimate) {
  const auto backend = make_cpu_backend();
  const auto over = [](FadingLaw law, Antennas antennas = {}) {
    ChannelSettings made{.fading = law, .receiver = {.kind = CsiKind::estimated, .pilots = 4}};
    if (antennas.transmit > 1) over_antennas(antennas, made);
    return Channel(made);
  };
  for (const Channel& channel :
       {over({}), over(rayleigh),
        over({.gains = rayleigh_gains(), .coherence = Coherence::block, .block = 10}),
        over(rayleigh, {2, 2, Detector::lmmse})}) {
    EXPECT_EQ(hear(*backend, channel, 1, 0).ledger[0].total(), 0);
    EXPECT_EQ(hear(*backend, channel, 1, 1).ledger[0].pilots, 4 * channel.settings().streams());
  }
  // What the transmitter sounded before it chose to send nothing was sent.
  EXPECT_EQ(Channel({.fading = rayleigh,
                     .transmitter = {.kind = CsiKind::estimated, .pilots = 5},
                     .receiver = {.kind = CsiKind::estimated, .pilots = 4}})
                .uses({}, 4)
                .total(),
            5);
}

TEST(ReceiverCsi, EachBlockIsEstimatedByItself) {
  const auto backend = make_cpu_backend();
  const Channel block(
      {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::block, .block = 8},
       .receiver = {.kind = CsiKind::estimated, .pilots = 4}});
  const Reception heard = hear(*backend, block, 1, 12);
  const PooledVector<float> known = host(*backend, heard.gains);
  const Fading fading = block.realise(draws_of(1));
  std::complex<double> error[3];
  for (int b = 0; b < 3; ++b)
    for (int s = 0; s < 4; ++s) {
      const auto at = static_cast<std::size_t>(2 * (4 * b + s));
      const std::complex<double> e =
          std::complex<double>(known[at], known[at + 1]) - fading.gain(0, 4 * b + s);
      if (s == 0) error[b] = e;
      EXPECT_NEAR(std::abs(e - error[b]), 0, 1e-6);
    }
  EXPECT_GT(std::abs(error[0] - error[1]), 1e-3);
  EXPECT_GT(std::abs(error[1] - error[2]), 1e-3);
}

TEST(TransmitterCsi, BeliefsFollowTheirKind) {
  const auto believed = [](const Csi& csi, FadingLaw law = rayleigh, SnrLaw snr = {12, 12},
                           std::uint32_t visit = 4) {
    const Channel channel({.fading = law, .snr = snr, .transmitter = csi});
    return channel.observe(channel.realise(draws_of(5000, visit)));
  };
  const Channel truth({.fading = rayleigh, .snr = {12, 12}});
  const Fading fading = truth.realise(draws_of(5000, 4)),
               earlier = truth.realise(draws_of(5000, 1));
  const auto snr_of = [](const Fading& f, int i) {
    return 12 + 10 * std::log10(std::norm(f.gain(i, 0)));
  };
  const auto perfect = believed({}), delayed = believed({.kind = CsiKind::delayed, .delay = 3}),
             none = believed({.kind = CsiKind::none}),
             quantised = believed({.kind = CsiKind::quantised, .bits = 2}),
             estimated = believed({.kind = CsiKind::estimated, .pilots = 4});
  double error = 0, power = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto at = static_cast<std::size_t>(i);
    EXPECT_NEAR(perfect[at].snr_db, snr_of(fading, i), 1e-9);
    EXPECT_EQ(perfect[at].age, 0);
    EXPECT_NEAR(delayed[at].snr_db, snr_of(earlier, i), 1e-9);  // the SNR of slot 4 - 3
    EXPECT_EQ(delayed[at].age, 3);
    EXPECT_EQ(delayed[at].how, CsiKind::delayed);
    EXPECT_EQ(none[at].snr_db, 12);
    EXPECT_EQ(quantised[at].snr_db, quantise(perfect[at].snr_db, -10, 30, 2));
    // |h + e|^2 with e ~ CN(0, N0/4): its mean is |h|^2 + N0/4.
    power += std::pow(10, (estimated[at].snr_db - 12) / 10) / 5000;
    error += std::abs(estimated[at].snr_db - perfect[at].snr_db) / 5000;
  }
  EXPECT_NEAR(power, 1 + std::pow(10, -1.2) / 4, 4 / std::sqrt(5000.0));
  EXPECT_GT(error, 0.1);
  EXPECT_LT(error, 2);
  // The error of an estimate falls as the root of its pilots.
  const auto rms = [&](int pilots) {
    const Channel still(
        {.snr = {12, 12}, .transmitter = {.kind = CsiKind::estimated, .pilots = pilots}});
    double sum = 0;
    for (const ChannelState& state : still.observe(still.realise(draws_of(5000))))
      sum += std::pow(state.snr_db - 12, 2) / 5000;
    return std::sqrt(sum);
  };
  EXPECT_NEAR(rms(4) / rms(64), 4, 0.3);
  EXPECT_NEAR(believed({.kind = CsiKind::none}, rayleigh, {-5, 20})[7].snr_db, 7.5, 1e-12);
}

TEST(TransmitterCsi, WithoutAnyKnowledgeTheMiddleOfTheLawAndWhatWasAgreedAreBelieved) {
  const double agreed_db = 10 * std::log10(2.0), interference = 0.2,
               noise = std::pow(10, -(7.5 + agreed_db) / 10);
  ChannelSettings settings{.fading = rayleigh,
                           .snr = {-5, 20},
                           .transmitter = {.kind = CsiKind::none},
                           .snr_offset_db = agreed_db};
  for (const bool known : {false, true}) {
    settings.interference = {
        .kind = InterferenceKind::gaussian, .power = interference, .known = known};
    const Channel channel(settings);
    const double expected = -10 * std::log10(noise + (known ? interference : 0));
    EXPECT_NEAR(channel.unheard().snr_db, expected, 1e-9);
    EXPECT_EQ(channel.unheard().how, CsiKind::none);
    for (const ChannelState& state : channel.observe(channel.realise(draws_of(50)))) {
      EXPECT_EQ(state.snr_db, channel.unheard().snr_db)
          << "it holds of no image more than of any other";
      EXPECT_EQ(state.how, CsiKind::none);
      EXPECT_EQ(state.age, 0);
    }
  }
  settings.noiseless = true;
  EXPECT_NEAR(Channel(settings).unheard().snr_db, -10 * std::log10(interference), 1e-9);
  settings.interference = {};
  EXPECT_EQ(Channel(settings).unheard().snr_db, Channel::ideal_snr_db);
  const double soft_bit = std::log(0.9 / 0.1);
  EXPECT_NEAR(Channel(flipped_bits(0.1)).unheard().snr_db, 10 * std::log10(soft_bit / 2), 1e-12);
  EXPECT_EQ(Channel(flipped_bits(1e-6)).unheard().snr_db, 6);
}

TEST(TransmitterCsi, QuantisedCellsAreOfEqualWidth) {
  EXPECT_DOUBLE_EQ(quantise(-10, -10, 30, 2), -5);
  EXPECT_DOUBLE_EQ(quantise(0.1, -10, 30, 2), 5);
  EXPECT_DOUBLE_EQ(quantise(-0.1, -10, 30, 2), -5);
  EXPECT_DOUBLE_EQ(quantise(99, -10, 30, 2), 25);
  EXPECT_DOUBLE_EQ(quantise(-99, -10, 30, 2), -5);
}

TEST(Csi, WhatIsKnownDoesNotChangeTheChannel) {
  // The same gains and the same noise are met whoever knows what.
  const auto backend = make_cpu_backend();
  const auto y = [&](Csi transmitter, Csi receiver) {
    return host(
        *backend,
        hear(*backend,
             Channel({.fading = rayleigh, .transmitter = transmitter, .receiver = receiver}), 3, 5)
            .symbols.value());
  };
  const PooledVector<float> known = y({}, {});
  EXPECT_EQ(y({.kind = CsiKind::none}, {.kind = CsiKind::none}), known);
  EXPECT_EQ(y({.kind = CsiKind::estimated}, {.kind = CsiKind::estimated}), known);
  EXPECT_EQ(y({.kind = CsiKind::delayed}, {.kind = CsiKind::quantised}), known);
}

}  // namespace
}  // namespace semwave
