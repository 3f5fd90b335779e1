// Predicted losses of the LDPC codes of 5G NR happen, neither more nor less.
#include "phy/code/ldpc/nr_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/phy/transport/expect_loss.h"
#include "tests/phy/transport/lost_frames.h"

namespace semwave {
namespace {

constexpr Modulation modulations_of[] = {Modulation::qpsk, Modulation::qam16, Modulation::qam64,
                                         Modulation::qam256};

// At what was simulated, and between.
TEST(NrLoss, PredictedLossesAreWhatHappens) {
  std::vector<double> pessimistic_db;
  std::size_t turn = 0;
  for (const double rate : {0.15, 0.2, 1.0 / 3, 0.45, 0.55, 2.0 / 3, 0.75, 5.0 / 6, 0.9})
    for (const std::int64_t bits : {40, 150, 292, 500, 1000, 2000})
      pessimistic_db.push_back(
          expect_loss(bits, {.code = nr_ldpc_code(rate), .modulation = modulations_of[turn++ % 4]},
                      0.1, 500, 0.3));
  const double mean = std::accumulate(pessimistic_db.begin(), pessimistic_db.end(), 0.0) /
                      static_cast<double>(pessimistic_db.size());
  EXPECT_NEAR(mean, 0, 0.1) << "dB pessimistic over " << pessimistic_db.size() << " blocks";
  RecordProperty("mean_db", std::to_string(mean));
}

TEST(NrLoss, TheSlopeIsThatOfTheWaterfall) {
  for (const double rate : {0.3, 0.6, 0.8})
    for (const std::int64_t bits : {100, 600}) {
      const ModulationCoding coding{.code = nr_ldpc_code(rate)};
      expect_loss(bits, coding, 0.5, 400, 0.25);
      expect_loss(bits, coding, 0.01, 4000, 0.25);
    }
}

// A margin that is off is seen: the same tests fail for a code half a dB from what is said of it.
TEST(NrLoss, AMarginHalfADecibelOffWouldBeSeen) {
  const ModulationCoding coding{.code = nr_ldpc_code(0.5)};
  constexpr int frames = 1000;
  const double snr_db = snr_db_for(1000, coding, 0.3);
  const int better = lose(Transport(1000, coding), snr_db + 0.5, frames).lost,
            worse = lose(Transport(1000, coding), snr_db - 0.5, frames).lost;
  const double most = frames * predicted_loss(1000, coding, snr_db - 0.3),
               least = frames * predicted_loss(1000, coding, snr_db + 0.3);
  EXPECT_GT(worse, most + 4 * std::sqrt(most));
  EXPECT_LT(better, least - 4 * std::sqrt(least));
}

TEST(NrLoss, MarginsAreOfTheirGraphAndBetweenThoseOfTheTable) {
  for (const NrGraph graph : {NrGraph::first, NrGraph::second})
    for (const int width : {1, 2, 4, 6, 8, 10})
      for (double rate = 1.0 / 64; rate <= 0.95; rate += 0.03)
        for (const double message : {17.0, 100.0, 1000.0, 3840.0, 8448.0}) {
          const double margin = nr_margin_db(graph, rate, message, width);
          EXPECT_GT(margin, -0.5) << rate << " " << message << " " << width;
          EXPECT_LT(margin, 4) << rate << " " << message << " " << width;
        }
}

}  // namespace
}  // namespace semwave
