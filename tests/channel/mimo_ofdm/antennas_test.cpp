// Combining and detection: the algebra of one use, then what bursts hear, what the receiver is
// told, what it costs.
#define EIGEN_DONT_VECTORIZE  // plain loops: its AVX-512 makes GCC 12 warn
#include "channel/mimo_ofdm/antennas.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>

#include "channel/kind/mimo.h"
#include "tests/channel/air.h"

namespace semwave {
namespace {

using air::Complex;

std::vector<Complex> draw_h(int entries, std::uint32_t id) {
  std::vector<Complex> h;
  for (int b = 0; b < entries; ++b)
    h.push_back(complex_normal(philox(3, Purpose::fading, id, 0, static_cast<std::uint32_t>(b))));
  return h;
}

TEST(Detection, ZeroForcingLeavesNothingOfOtherStreams) {
  for (const auto& [n, m] : {std::pair{2, 2}, {2, 4}, {4, 4}, {3, 8}, {8, 8}})
    for (std::uint32_t id = 0; id < 20; ++id) {
      const std::vector<Complex> h = draw_h(n * m, id);
      const Detection d = detect({n, m, Detector::zero_forcing}, h, 0.1);
      for (int i = 0; i < n; ++i) {
        double weight = 0;
        for (int r = 0; r < m; ++r)
          weight += std::norm(d.weights[static_cast<std::size_t>(i * m + r)]);
        EXPECT_NEAR(weight, 1, 1e-8);  // the noise keeps its variance
        for (int t = 0; t < n; ++t) {
          Complex through;
          for (int r = 0; r < m; ++r)
            through += d.weights[static_cast<std::size_t>(i * m + r)] *
                       h[static_cast<std::size_t>(r * n + t)] / std::sqrt(static_cast<double>(n));
          EXPECT_NEAR(std::abs(through - (i == t ? d.gain[static_cast<std::size_t>(i)] : 0)), 0,
                      1e-8)
              << n << "x" << m;
        }
      }
    }
}

TEST(Detection, LmmseIsUnbiasedAndSaysWhatIsLeft) {
  for (const double noise : {0.01, 0.3, 5.0})
    for (std::uint32_t id = 0; id < 20; ++id) {
      const int n = 3, m = 4;
      const std::vector<Complex> h = draw_h(n * m, id);
      const Detection d = detect({n, m, Detector::lmmse}, h, noise),
                      zf = detect({n, m, Detector::zero_forcing}, h, noise);
      for (int i = 0; i < n; ++i) {
        double left = 0;  // noise and other streams of unit power
        for (int r = 0; r < m; ++r)
          left += noise * std::norm(d.weights[static_cast<std::size_t>(i * m + r)]);
        for (int t = 0; t < n; ++t) {
          Complex through;
          for (int r = 0; r < m; ++r)
            through += d.weights[static_cast<std::size_t>(i * m + r)] *
                       h[static_cast<std::size_t>(r * n + t)] / std::sqrt(static_cast<double>(n));
          if (t == i)
            EXPECT_NEAR(std::abs(through - d.gain[static_cast<std::size_t>(i)]), 0, 1e-10);
          else
            left += std::norm(through);
        }
        EXPECT_NEAR(left / noise, 1, 1e-9);
        EXPECT_GE(d.gain[static_cast<std::size_t>(i)],
                  zf.gain[static_cast<std::size_t>(i)] - 1e-12);  // no linear detector has more
      }
    }
}

/// Rows of W as they must stand but for their length, by other formulas than the library's: the
/// pseudo-inverse of H, and of LMMSE H^H (H H^H / n + N0 I)^-1.
Eigen::MatrixXcd detector_rows(const Antennas& antennas, const Eigen::MatrixXcd& h, double noise) {
  if (antennas.detector == Detector::zero_forcing)
    return h.completeOrthogonalDecomposition().pseudoInverse();
  const Eigen::MatrixXcd heard =
      h * h.adjoint() / antennas.transmit + noise * Eigen::MatrixXcd::Identity(h.rows(), h.rows());
  return h.adjoint() * heard.fullPivLu().inverse();
}

TEST(Detection, IsThatOfEigen) {
  for (const Detector detector : {Detector::zero_forcing, Detector::lmmse})
    for (const auto& [n, m] : {std::pair{1, 1}, {2, 2}, {2, 4}, {4, 4}, {3, 8}, {8, 8}})
      for (std::uint32_t id = 0; id < 20; ++id) {
        const double noise = id % 2 ? 0.03 : 1.5;
        const std::vector<Complex> drawn = draw_h(n * m, id);
        const Eigen::MatrixXcd h = Eigen::Map<
            const Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
            drawn.data(), m, n);
        const Antennas antennas{n, m, detector};
        const Detection d = detect(antennas, drawn, noise);
        const Eigen::MatrixXcd rows = detector_rows(antennas, h, noise);
        for (int i = 0; i < n; ++i) {
          const Eigen::RowVectorXcd own = rows.row(i).normalized(),
                                    ours =
                                        Eigen::Map<const Eigen::RowVectorXcd>(
                                            d.weights.data() + static_cast<std::ptrdiff_t>(i) * m,
                                            m)
                                            .normalized();
          EXPECT_LT((own - ours).norm(), 1e-7) << n << "x" << m;
          // SNR of the stream: what passes of it over noise and the others.
          const Eigen::RowVectorXcd through = own * h / std::sqrt(static_cast<double>(n));
          const double signal = std::norm(through(i)),
                       left = noise + through.squaredNorm() - signal;
          const double gain = d.gain[static_cast<std::size_t>(i)];
          EXPECT_NEAR(gain * gain / noise, signal / left, 1e-7 * (1 + signal / left));
        }
      }
}

TEST(Detection, AStreamThatCannotBeToldIsSilent) {
  const std::vector<Complex> same{1, 1, 2, 2};  // both antennas are heard alike
  EXPECT_EQ(detect({2, 2, Detector::zero_forcing}, same, 0.1).gain[0], 0);
  EXPECT_GT(detect({2, 2, Detector::lmmse}, same, 0.1).gain[0], 0);
}

ChannelSettings antennas(int n, int m, Detector detector, double snr_db,
                         Coherence coherence = Coherence::symbol) {
  ChannelSettings made{.fading = {.coherence = coherence}, .snr = {snr_db, snr_db}};
  over_antennas({n, m, detector}, made);
  return made;
}

TEST(Antennas, WhatIsHeardHasTheNoiseTheReceiverIsTold) {
  for (const auto& [n, m, detector] : {std::tuple{1, 2, Detector::zero_forcing},
                                       {1, 4, Detector::zero_forcing},
                                       {2, 2, Detector::zero_forcing},
                                       {2, 4, Detector::lmmse},
                                       {4, 4, Detector::lmmse}})
    for (const bool estimated : {false, true}) {
      ChannelSettings settings =
          antennas(n, m, detector, 5, estimated ? Coherence::image : Coherence::symbol);
      if (estimated) settings.receiver = {.kind = CsiKind::estimated, .pilots = 2};
      const int images = estimated ? 4000 : 40, symbols = estimated ? 2 * n : 400;
      const air::Heard heard =
          air::hear(settings, air::ids(static_cast<std::uint32_t>(images)), symbols);
      std::vector<double> ratio, told;
      for (int i = 0; i < images; ++i)
        for (int s = 0; s < symbols; ++s) {
          const auto at = static_cast<std::size_t>(i * symbols + s);
          ratio.push_back(std::norm(heard.y[at] -
                                    heard.known[at] * air::sent(static_cast<std::uint32_t>(i), s)) /
                          heard.variance[at]);
          told.push_back(heard.variance[at]);
        }
      const double n0 = std::pow(10, -0.5);
      EXPECT_NEAR(told[0],
                  n == 1 && estimated ? n0 + n0 / 2 * (1 + m * n0 / 2) / (1 + n0 / 2)
                  : estimated         ? 1.5 * n0
                                      : n0,
                  1e-6);
      // Exactly the variance told where the gains are known or branches are combined; a detector
      // that takes an estimate for the truth is off by little.
      const air::Mean mean = air::mean_of(ratio);
      EXPECT_NEAR(mean.value, 1, estimated ? (n > 1 ? 0.25 : 0.02) + mean.four : mean.four)
          << n << "x" << m;
    }
}

TEST(Antennas, CombinedGainIsTheLengthOfTheBranches) {
  const air::Heard heard = air::hear(antennas(1, 4, Detector::lmmse, 10), air::ids(1), 20000);
  std::vector<double> power, fourth;
  for (const Complex h : heard.known) {
    EXPECT_EQ(h.imag(), 0);
    power.push_back(std::norm(h));
    fourth.push_back(std::norm(h) * std::norm(h));
  }
  EXPECT_NEAR(air::mean_of(power).value, 4, air::mean_of(power).four);
  EXPECT_NEAR(air::mean_of(fourth).value, 20, air::mean_of(fourth).four);  // Gamma(4, 1): L (L + 1)
  EXPECT_NEAR(heard.reception.mean_gain[0], air::mean_of(power).value, 1e-3);
}

TEST(Antennas, TheLedgerCountsUsesAndNotSymbols) {
  for (const int n : {1, 2, 4}) {
    ChannelSettings settings = antennas(n, 4, Detector::zero_forcing, 20, Coherence::block);
    settings.fading.block = 20;
    settings.receiver = {.kind = CsiKind::estimated, .pilots = 3};
    settings.transmitter.kind = CsiKind::none;
    const air::Heard heard = air::hear(settings, air::ids(3), 101, true);
    const Ledger& ledger = heard.reception.ledger[1];
    const std::int64_t header = static_cast<std::int64_t>(heard.reception.header_symbols[1].size()),
                       all = (header + 101 + n - 1) / n, usable = 20 - 3 * n;
    EXPECT_GT(header, 0);
    EXPECT_EQ(ledger.header, (header + n - 1) / n);
    EXPECT_EQ(ledger.payload + ledger.header, all);
    EXPECT_EQ(ledger.pilots, (all + usable - 1) / usable * 3 * n);
    EXPECT_EQ(heard.reception.header_gains[1].size(), static_cast<std::size_t>(header));
  }
  EXPECT_EQ(Channel(antennas(4, 4, Detector::lmmse, 0)).uses({.header = 7}, 0).header, 2);
  EXPECT_EQ(Channel(antennas(4, 4, Detector::lmmse, 0)).uses({.header = 7}, 0).payload, 0);
}

TEST(Antennas, TheTransmitterBelievesWhatItsStreamsCarry) {
  const Draws draws{.seed = 4, .images = air::ids(2000)};
  const Channel combined(antennas(1, 2, Detector::lmmse, 10, Coherence::image));
  const Fading fading = combined.realise(draws);
  EXPECT_NEAR(combined.observe(fading)[3].snr_db,
              10 + 10 * std::log10(std::norm(LinkGains(fading, 3, 0).at(0)) +
                                   std::norm(LinkGains(fading, 3, 1).at(0))),
              1e-9);
  EXPECT_NEAR(std::pow(10, combined.observe(fading)[3].snr_db / 10 - 1),
              combined.power_gain(fading, 3), 1e-9);
  const Channel fast(antennas(1, 2, Detector::lmmse, 10)),
      streams(antennas(2, 3, Detector::zero_forcing, 10));
  EXPECT_NEAR(fast.observe(fast.realise(draws))[0].snr_db, 10 + 10 * std::log10(2.0), 1e-9);
  EXPECT_NEAR(streams.observe(streams.realise(draws))[0].snr_db, 10, 1e-9);  // (3 - 2 + 1)/2
  // One number for two streams lies between theirs.
  const Channel slow(antennas(2, 2, Detector::lmmse, 10, Coherence::image));
  const Fading met = slow.realise(draws);
  for (int i = 0; i < 50; ++i) {
    std::vector<Complex> h;
    for (int b = 0; b < 4; ++b) h.push_back(LinkGains(met, i, b).at(0));
    const Detection d = detect({2, 2, Detector::lmmse}, h, 0.1);
    const double believed =
                     std::pow(10, slow.observe(met)[static_cast<std::size_t>(i)].snr_db / 10),
                 low = std::min(d.gain[0], d.gain[1]), high = std::max(d.gain[0], d.gain[1]);
    EXPECT_GE(believed, low * low * 10 - 1e-9);
    EXPECT_LE(believed, high * high * 10 + 1e-9);
  }
}

}  // namespace
}  // namespace semwave
