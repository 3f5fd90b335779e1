// What the sender promises where it switches formats: a loss of about one in a thousand, measured.
#include <gtest/gtest.h>

#include "tests/phy/header/header_loss_fixture.h"

namespace semwave {
namespace {

TEST(HeaderLossLong, MeasuredAtTheSwitchingSnrIsAtMostTheLimit) {
  for (const std::vector<int>& bits :
       {std::vector<int>{17}, std::vector<int>{17, 37}, std::vector<int>{19, 200}})
    for (int format = 0; format < 4; ++format) {
      double snr_db = 20;
      while (header_loss(bits, format, snr_db - 0.02) <= 1e-3) snr_db -= 0.02;
      const LossCount count = simulate_headers(bits, format, snr_db, 100000);
      EXPECT_LT(count.rate(), 1.5e-3)
          << "format " << format << " at " << snr_db << " dB, " << bits.size() << " parts";
      EXPECT_GT(count.rate(), 0.5e-3)
          << "format " << format << " at " << snr_db << " dB, " << bits.size() << " parts";
    }
}

TEST(HeaderLossLong, MostRobustFormatLosesAtMostOneInAThousandAtMinusFiveDecibel) {
  const LossCount count = simulate_headers({17, 37}, 3, -5, 100000);
  EXPECT_LE(count.lost, 100);
  RecordProperty("lost_per_100000", count.lost);
}

}  // namespace
}  // namespace semwave
