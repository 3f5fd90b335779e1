// Uncoded bit error rates through the channel that carries the images, against the conventions'
// table.
#include "channel/kind/rayleigh.h"
#include "channel/kind/tdl.h"
#include "channel/registry.h"
#include "tests/experiment/run/golden_points.h"

namespace semwave {
namespace {

constexpr Modulation bpsk = Modulation::bpsk, qpsk = Modulation::qpsk, qam16 = Modulation::qam16,
                     qam64 = Modulation::qam64;

TEST(GoldenFigures, BitErrorRatesOverWhiteNoiseMatchTheClosedForms) {
  expect_golden({{bpsk, false, 0, 7.865e-2},
                 {bpsk, false, 4, 1.250e-2},
                 {qpsk, false, 0, 7.865e-2},
                 {qpsk, false, 4, 1.250e-2},
                 {qam16, false, 4, 5.862e-2},
                 {qam16, false, 8, 9.247e-3},
                 {qam16, false, 10, 1.754e-3},
                 {qam64, false, 8, 5.233e-2},
                 {qam64, false, 10, 2.653e-2},
                 {qam64, false, 12, 9.724e-3}},
                1300);
}

TEST(GoldenFigures, BitErrorRatesOverRayleighMatchTheClosedForms) {
  expect_golden({{bpsk, true, 0, 1.464e-1},
                 {bpsk, true, 4, 7.714e-2},
                 {bpsk, true, 8, 3.546e-2},
                 {bpsk, true, 10, 2.327e-2},
                 {qpsk, true, 0, 1.464e-1},
                 {qpsk, true, 4, 7.714e-2},
                 {qpsk, true, 8, 3.546e-2},
                 {qpsk, true, 10, 2.327e-2},
                 {qam16, true, 4, 1.199e-1},
                 {qam16, true, 8, 6.199e-2},
                 {qam16, true, 10, 4.237e-2},
                 {qam16, true, 12, 2.825e-2},
                 {qam64, true, 8, 1.042e-1},
                 {qam64, true, 10, 7.668e-2},
                 {qam64, true, 12, 5.436e-2}},
                1300);
}

TEST(GoldenFigures, MaximumRatioCombiningMatchesTheClosedForms) {
  // Eb/N0 per branch 10 dB, then 10 dB over all branches together.
  expect_golden({{bpsk, true, 10, 1.599e-3, 1, 2},
                 {bpsk, true, 10 - 10 * std::log10(2.0), 5.53e-3, 1, 2},
                 {bpsk, true, 10 - 10 * std::log10(4.0), 1.039e-3, 1, 4},
                 {qam16, true, 8, bit_error_rate(qam16, 2, 8), 1, 2}},
                1300);
}

TEST(GoldenFigures, ZeroForcingHasTheDiversityThatIsLeft) {
  expect_golden({{bpsk, true, 10, bit_error_rate(bpsk, 1, 10 - 10 * std::log10(2.0)), 2, 2},
                 {qpsk, true, 10, bit_error_rate(qpsk, 1, 10 - 10 * std::log10(2.0)), 2, 2},
                 {qpsk, true, 8, bit_error_rate(qpsk, 2, 8 - 10 * std::log10(2.0)), 2, 3},
                 {qpsk, true, 4, bit_error_rate(qpsk, 1, 4 - 10 * std::log10(4.0)), 4, 4}},
                1300);
}

/// Bit error rate of QPSK over Nakagami-m fades, g = Eb/N0 (Simon and Alouini 2005, equation 5.3
/// with the moment generating function of 2.2.1.4): 1/pi of the integral of (1 + g/(m sin^2 t))^-m
/// over 0..pi/2.
double nakagami_error_rate(double m, double g) {
  constexpr int steps = 20000;
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double sine = std::sin(std::numbers::pi / 2 * (i + 0.5) / steps);
    sum += std::pow(1 + g / (m * sine * sine), -m);
  }
  return sum / (2 * steps);
}

TEST(GoldenFigures, QpskOverNakagamiErrsAsTheClosedFormSays) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  EXPECT_NEAR(nakagami_error_rate(1, 10), diversity_error_rate(10, 1), 1e-9);
  EXPECT_NEAR(nakagami_error_rate(4, 4 * 2.0), diversity_error_rate(2.0, 4), 1e-9);
  std::uint64_t seed = 30;
  for (const double m : {0.5, 1.0, 2.5, 4.0})
    for (const double eb_n0_db : {2.0, 8.0}) {
      const Json value{{"kind", "nakagami"},
                       {"m", m},
                       {"coherence", "symbol"},
                       {"snr_db", uncoded_es_n0_db(eb_n0_db, qpsk)}};
      Uncoded settings{.modulation = qpsk, .seed = ++seed};
      settings.channel = channels().make(resolve(value, channels().field("channel"), {}), {});
      const LinkCounts count = count_errors(*backend, settings, 500);
      const double p = nakagami_error_rate(m, std::pow(10, eb_n0_db / 10)),
                   bits = static_cast<double>(count.bits);
      // The two bits of a symbol share its fade: at most both err.
      const double z =
          (static_cast<double>(count.bit_errors) - bits * p) / std::sqrt(2 * bits * p * (1 - p));
      EXPECT_LT(std::abs(z), 4) << "m = " << m << ", " << eb_n0_db
                                << " dB: " << static_cast<double>(count.bit_errors) / bits
                                << ", not " << p;
      EXPECT_GT(count.bit_errors, 500);
    }
}

TEST(GoldenFigures, LmmseErrsLessThanZeroForcingAndMoreThanOneStream) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const auto errors = [&](Antennas antennas) {
    Uncoded settings{.modulation = qpsk, .seed = 21};
    settings.channel = {.fading = {.coherence = Coherence::symbol}, .snr = {8, 8}};
    over_antennas(antennas, settings.channel);
    return static_cast<double>(count_errors(*backend, settings, 60).bit_errors);
  };
  const double zero_forcing = errors({2, 2, Detector::zero_forcing}),
               lmmse = errors({2, 2, Detector::lmmse}), one = errors({1, 2, Detector::lmmse});
  EXPECT_LT(lmmse, 0.9 * zero_forcing);
  EXPECT_LT(one, 0.5 * lmmse);
}

TEST(GoldenFigures, BitsOverTheTonesOfOfdmErrAsOverFlatRayleigh) {
  // Each tone by itself is Rayleigh. Tones of a burst fade together: the variance is taken over
  // bursts.
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const Ofdm ofdm({.subcarriers = 64, .spacing_khz = 60, .prefix = 16}, tap_profiles()[2]);
  Uncoded settings{.modulation = qpsk, .seed = 22, .frame_symbols = 64};
  settings.channel.snr = {uncoded_es_n0_db(8, qpsk), uncoded_es_n0_db(8, qpsk)};
  over_tones(std::make_shared<const Ofdm>(ofdm), 0, settings.channel);
  constexpr int frames = 3000;
  const LinkCounts count = count_errors(*backend, settings, frames);
  const double bits = static_cast<double>(count.bits) / frames,
               mean = static_cast<double>(count.bit_errors) / static_cast<double>(count.bits);
  const double square = static_cast<double>(count.bit_errors_squared) / (frames * bits * bits);
  EXPECT_NEAR(mean, bit_error_rate(qpsk, 1, 8), 4 * std::sqrt((square - mean * mean) / frames));
}

TEST(GoldenFigures, TheConventionOfPublicCodeIsThreeDecibelBetterToTheError) {
  // Power 1 per real value over N0/2 per real dimension: the very same errors as 10 log10 2 = 3.01
  // dB higher up, point by point.
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  std::int64_t moved = 0;
  for (const double snr_db : {-3.0, 0.0, 4.0, 7.0}) {
    Uncoded named{.modulation = qpsk, .seed = 23}, higher = named, plain = named;
    named.channel = {.fading = {.gains = rayleigh_gains(), .coherence = Coherence::symbol},
                     .snr = {snr_db, snr_db},
                     .snr_offset_db = 10 * std::log10(2.0)};
    plain.channel = {.fading = named.channel.fading, .snr = {snr_db, snr_db}};
    higher.channel = {.fading = named.channel.fading,
                      .snr = {snr_db + 10 * std::log10(2.0), snr_db + 10 * std::log10(2.0)}};
    const LinkCounts there = count_errors(*backend, named, 40),
                     here = count_errors(*backend, higher, 40);
    EXPECT_EQ(there.bit_errors, here.bit_errors);
    EXPECT_EQ(there.frame_errors, here.frame_errors);
    moved += count_errors(*backend, plain, 40).bit_errors - there.bit_errors;
  }
  EXPECT_GT(moved, 1000);
}

TEST(GoldenFigures, UnitPowerPerRealValueWouldBeFound) {
  // Trap 1: three decibel too good. The same count against the closed form 3.01 dB away fails
  // clearly.
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  Uncoded settings{.modulation = qpsk, .seed = 4};
  settings.channel.snr = {uncoded_es_n0_db(4, qpsk), uncoded_es_n0_db(4, qpsk)};
  const LinkCounts count = count_errors(*backend, settings, 100);
  const auto bits = static_cast<double>(count.bits);
  EXPECT_NEAR(static_cast<double>(count.bit_errors) / bits, 1.250e-2, 1.5e-3);
  EXPECT_GT(static_cast<double>(count.bit_errors) / bits, 3 * bit_error_rate(qpsk, 0, 7.01));
}

TEST(UncodedLink, FramesOverFadesCountTheSameForAnyNumberOfThreads) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  Uncoded settings{.modulation = qam16, .seed = 11, .frame_symbols = 100};
  settings.channel = {
      .fading = {.gains = rayleigh_gains(), .coherence = Coherence::block, .block = 7},
      .snr = {5, 15}};
  const LinkCounts one = count_errors(*backend, settings, 300),
                   three = count_errors(*backend, settings, 300, 3);
  EXPECT_EQ(one.bit_errors, three.bit_errors);
  EXPECT_EQ(one.symbol_errors, three.symbol_errors);
  EXPECT_EQ(one.frame_errors, three.frame_errors);
  EXPECT_EQ(one.bits, 300 * 100 * 4);
  EXPECT_GT(one.bit_errors, 0);
}

TEST(UncodedLink, TheIdealChannelMakesNoError) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  Uncoded settings{.modulation = qam64, .seed = 12};
  settings.channel.noiseless = true;
  const LinkCounts count = count_errors(*backend, settings, 5);
  EXPECT_EQ(count.bit_errors, 0);
  EXPECT_EQ(count.frames, 5);
}

}  // namespace
}  // namespace semwave
