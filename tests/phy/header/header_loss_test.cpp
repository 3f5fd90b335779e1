// The table of predicted header losses against fresh simulation, and the choice that is made with
// it.
#include <gtest/gtest.h>

#include "tests/phy/header/header_loss_fixture.h"

namespace semwave {
namespace {

const std::vector<int> word{17},
    whole{17, 37};  // 49 tokens: the fixed word alone; with 12 positions

/// SNR at which the predicted loss crosses the limit of the sender.
double switching_snr_db(const std::vector<int>& part_bits, int format) {
  double low = -20, high = 30;
  while (high - low > 1e-3) {
    const double middle = (low + high) / 2;
    (header_loss(part_bits, format, middle) > 1e-3 ? low : high) = middle;
  }
  return high;
}

TEST(HeaderLoss, TableMatchesFreshSimulationWithinAFactorOfTwo) {
  // Between the points of the table, in length and in SNR.
  for (int format = 0; format < 4; ++format)
    for (const std::vector<int>& bits : {word, std::vector<int>{90}, whole})
      for (const double below : {4.2, 2.2, 1.1}) {
        const double snr_db = switching_snr_db(bits, format) - below;
        const double predicted = header_loss(bits, format, snr_db);
        const LossCount count = simulate_headers(
            bits, format, snr_db, std::min(10000, static_cast<int>(150 / predicted) + 100));
        ASSERT_GE(count.lost, 60);
        EXPECT_LT(count.rate(), 2 * predicted)
            << format << " at " << snr_db << " dB, " << bits.size() << " parts";
        EXPECT_GT(count.rate(), predicted / 2)
            << format << " at " << snr_db << " dB, " << bits.size() << " parts";
      }
}

TEST(HeaderLoss, FallsWithTheSnrAndRisesWithTheLength) {
  for (int format = 0; format < 4; ++format)
    for (double snr_db = -25; snr_db < 40; snr_db += 0.25) {
      EXPECT_GE(header_loss(word, format, snr_db), 0);
      EXPECT_LE(header_loss(word, format, snr_db), 1);
      EXPECT_LE(header_loss(word, format, snr_db + 0.25),
                header_loss(word, format, snr_db) * 1.1 + 1e-12);
      EXPECT_LE(header_loss(word, format, snr_db), header_loss(whole, format, snr_db));
    }
  EXPECT_GT(header_loss(word, 3, -25), 0.9);
  EXPECT_LT(header_loss(whole, 0, 40), 1e-12);
}

TEST(HeaderLoss, SenderTakesTheCheapestThatReachesTheLimit) {
  for (double snr_db = -12; snr_db < 25; snr_db += 0.5) {
    const int chosen = choose_header_format(whole, snr_db);
    for (int f = 0; f < chosen; ++f) EXPECT_GT(header_loss(whole, f, snr_db), 1e-3);
    if (chosen < 3) {
      EXPECT_LE(header_loss(whole, chosen, snr_db), 1e-3);
    }
  }
  EXPECT_EQ(choose_header_format(whole, 20), 0);
  EXPECT_EQ(choose_header_format(whole, -20), 3);
}

TEST(HeaderLoss, PlainQpskLosesAboutFortyPercentAtZeroDecibel) {
  EXPECT_NEAR(simulate_headers({48}, 1, 0, 2000).rate(), 0.4,
              0.1);  // the conventions' figure for 62 bits: 48 and two checks
}

TEST(HeaderLoss, MostRobustFormatHoldsAtMinusFiveDecibel) {
  EXPECT_LE(header_loss(whole, 3, -5), 1e-3);
  EXPECT_LE(simulate_headers(whole, 3, -5, 6000).lost, 6);
}

}  // namespace
}  // namespace semwave
