// Runs the link laboratory without a code at a point of the conventions' table and compares the
// count with the closed form.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "channel/kind/mimo.h"
#include "core/tensor/backend.h"
#include "experiment/link/link_run.h"
#include "tests/experiment/closed_forms.h"

namespace semwave {

/// Uncoded bits in frames of so many symbols; channel.snr is Es/N0.
struct Uncoded {
  Modulation modulation = Modulation::qpsk;
  ChannelSettings channel{};
  std::uint64_t seed = 0;
  int frame_symbols = 512;
};

inline LinkCounts count_errors(Backend& backend, const Uncoded& link, std::int64_t frames,
                               int threads = 1) {
  Scenario scenario;
  scenario.seed = link.seed;
  scenario.channel = link.channel;
  scenario.link = LinkSettings{
      .coding = {.code = no_code(), .modulation = link.modulation, .check = false},
      .decoding = {},
      .block_bits = std::int64_t{link.frame_symbols} * bits_per_symbol(link.modulation),
      .frame_errors = 0,
      .max_frames = frames};
  ThreadPool pool(threads);
  return run_link_point(scenario, backend, pool, nullptr, nullptr).counts;
}

inline double uncoded_es_n0_db(double eb_n0_db, Modulation modulation) {
  return eb_n0_db + 10 * std::log10(bits_per_symbol(modulation));
}

struct GoldenPoint {
  Modulation modulation;
  bool rayleigh;
  double eb_n0_db;
  double rate;                    // of the conventions
  int transmit = 1, receive = 1;  // antennas, over Rayleigh; zero forcing where transmit > 1
};

/// Every point: at least `errors` errors expected, |z| < 4; one chi-square over all.
inline void expect_golden(const std::vector<GoldenPoint>& points, double errors) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  double chi_square = 0;
  std::uint64_t seed = 1000;
  for (const GoldenPoint& point : points) {
    // Zero forcing leaves each of n streams on m antennas m - n + 1 branches and the n-th part of
    // the power.
    const double p =
        bit_error_rate(point.modulation, point.rayleigh ? point.receive - point.transmit + 1 : 0,
                       point.eb_n0_db - 10 * std::log10(point.transmit));
    EXPECT_NEAR(p / point.rate, 1, 1e-3)
        << "the closed form of this test against the printed figure";
    Uncoded settings{.modulation = point.modulation, .seed = ++seed};
    const double snr_db = uncoded_es_n0_db(point.eb_n0_db, point.modulation);
    settings.channel.snr = {snr_db, snr_db};
    settings.channel.fading.coherence = Coherence::symbol;
    if (point.rayleigh)
      over_antennas({point.transmit, point.receive, Detector::zero_forcing}, settings.channel);
    const int width = bits_per_symbol(point.modulation);
    const auto frames =
        static_cast<std::int64_t>(std::ceil(errors / p / width / settings.frame_symbols));
    const LinkCounts count = count_errors(*backend, settings, frames);
    const auto bits = static_cast<double>(count.bits);
    // Two bits of one dimension share a symbol (and all of a symbol a fade), so errors come in
    // clusters of up to `width`; the variance is taken from symbols: at most the bits' own times
    // the errors an erroneous symbol carries on average. The streams of a use share its gains:
    // their errors too come together, at most all of them.
    const double cluster = point.transmit * static_cast<double>(count.bit_errors) /
                           static_cast<double>(count.symbol_errors);
    const double z = (static_cast<double>(count.bit_errors) - bits * p) /
                     std::sqrt(bits * p * (1 - p) * cluster);
    EXPECT_GE(static_cast<double>(count.bit_errors), 0.85 * errors);
    EXPECT_LT(std::abs(z), 4) << modulation_name(point.modulation)
                              << (point.rayleigh ? " Rayleigh " : " AWGN ") << point.eb_n0_db
                              << " dB: " << static_cast<double>(count.bit_errors) / bits << ", not "
                              << p;
    chi_square += z * z;
  }
  EXPECT_LT(chi_square, chi_square_limit(static_cast<int>(points.size())));
  // A spread far below 1 would mean that draws are not random.
  if (points.size() >= 16) {
    EXPECT_GT(chi_square, 0.15 * static_cast<double>(points.size()));
  }
}

}  // namespace semwave
