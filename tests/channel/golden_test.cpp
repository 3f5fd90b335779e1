// Uncoded bit error rates through the channel that carries the images, against the conventions' table.
#include "tests/channel/golden_points.h"

namespace semwave {
namespace {

constexpr Modulation bpsk = Modulation::bpsk, qpsk = Modulation::qpsk, qam16 = Modulation::qam16, qam64 = Modulation::qam64;

TEST(GoldenFigures, BitErrorRatesOverWhiteNoiseMatchTheClosedForms) {
  expect_golden({{bpsk, false, 0, 7.865e-2}, {bpsk, false, 4, 1.250e-2}, {qpsk, false, 0, 7.865e-2}, {qpsk, false, 4, 1.250e-2},
                 {qam16, false, 4, 5.862e-2}, {qam16, false, 8, 9.247e-3}, {qam16, false, 10, 1.754e-3},
                 {qam64, false, 8, 5.233e-2}, {qam64, false, 10, 2.653e-2}, {qam64, false, 12, 9.724e-3}},
                1300);
}

TEST(GoldenFigures, BitErrorRatesOverRayleighMatchTheClosedForms) {
  expect_golden({{bpsk, true, 0, 1.464e-1}, {bpsk, true, 4, 7.714e-2}, {bpsk, true, 8, 3.546e-2}, {bpsk, true, 10, 2.327e-2},
                 {qpsk, true, 0, 1.464e-1}, {qpsk, true, 4, 7.714e-2}, {qpsk, true, 8, 3.546e-2}, {qpsk, true, 10, 2.327e-2},
                 {qam16, true, 4, 1.199e-1}, {qam16, true, 8, 6.199e-2}, {qam16, true, 10, 4.237e-2}, {qam16, true, 12, 2.825e-2},
                 {qam64, true, 8, 1.042e-1}, {qam64, true, 10, 7.668e-2}, {qam64, true, 12, 5.436e-2}},
                1300);
}

TEST(GoldenFigures, UnitPowerPerRealValueWouldBeFound) {
  // Trap 1: three decibel too good. The same count against the closed form 3.01 dB away fails clearly.
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  BitLinkSettings settings{.modulation = qpsk, .seed = 4};
  settings.channel.snr = {es_n0_db(4, qpsk), es_n0_db(4, qpsk)};
  const BitErrors count = run_bit_link(*backend, settings, 0, 100);
  const auto bits = static_cast<double>(count.bits);
  EXPECT_NEAR(static_cast<double>(count.bit_errors) / bits, 1.250e-2, 1.5e-3);
  EXPECT_GT(static_cast<double>(count.bit_errors) / bits, 3 * bit_error_rate(qpsk, false, 7.01));
}

TEST(BitLink, FramesAddUpHoweverTheyAreCut) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  BitLinkSettings settings{.modulation = qam16, .seed = 11, .frame_symbols = 100};
  settings.channel = {.fading = {.kind = FadingKind::rayleigh, .coherence = Coherence::block, .block = 7}, .snr = {5, 15}};
  BitErrors cut;
  for (const std::uint32_t first : {20u, 0u, 10u}) cut += run_bit_link(*backend, settings, first, 10);
  const BitErrors whole = run_bit_link(*backend, settings, 0, 30);
  EXPECT_EQ(cut.bit_errors, whole.bit_errors);
  EXPECT_EQ(cut.symbol_errors, whole.symbol_errors);
  EXPECT_EQ(cut.frame_errors, whole.frame_errors);
  EXPECT_EQ(whole.bits, 30 * 100 * 4);
  EXPECT_GT(whole.bit_errors, 0);
}

TEST(BitLink, TheIdealChannelMakesNoError) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  BitLinkSettings settings{.modulation = qam64, .seed = 12};
  settings.channel.noiseless = true;
  const BitErrors count = run_bit_link(*backend, settings, 0, 5);
  EXPECT_EQ(count.bit_errors, 0);
  EXPECT_EQ(count.frames, 5);
}

}  // namespace
}  // namespace semwave
