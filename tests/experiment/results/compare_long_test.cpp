// The intervals of a comparison cover what they should: simulated pairs whose true difference is
// known.
#include <gtest/gtest.h>

#include <cmath>

#include "core/random/random.h"
#include "experiment/results/compare.h"

namespace semwave {
namespace {

constexpr int trials = 4000;

/// Whether 95 % of `hits` out of `trials` is believable: within four standard errors.
void expect_covers(int hits) {
  const double share = static_cast<double>(hits) / trials;
  EXPECT_NEAR(share, 0.95, 4 * std::sqrt(0.95 * 0.05 / trials));
  testing::Test::RecordProperty("coverage", std::to_string(share));
}

double draw(std::uint32_t trial, std::uint32_t image, std::uint32_t place) {
  return uniform(philox(21, Purpose::data_bits, image, trial, place)[0]);
}

bool covered(const PairedMean& mean, double truth) {
  return std::abs(mean.difference - truth) <= mean.halfwidth;
}

TEST(CompareLong, IntervalOfPairedAccuracyCovers) {
  // b is right on 10 % where a is wrong, a on 6 % where b is wrong: 4 points better.
  int hits = 0;
  for (std::uint32_t trial = 0; trial < trials; ++trial) {
    PairedTotals totals;
    for (std::uint32_t image = 0; image < 400; ++image) {
      const double u = draw(trial, image, 0);
      const int a = u < 0.76, b = u < 0.70 || u >= 0.90;
      const auto of = [image](int decision) {
        ImageRecord made;
        made.image = image;
        made.label = 1;
        made.decision = decision;
        return made;
      };
      totals.add(of(a), of(b));
    }
    hits += covered(totals.result().accuracy, 0.04);
  }
  expect_covers(hits);
}

TEST(CompareLong, IntervalOverManyPointsCovers) {
  // PSNR of 60 images at 10 points; the difference of an image is the same in all its points but
  // for a little noise, and half the images are there at half the points only.
  int hits = 0;
  for (std::uint32_t trial = 0; trial < trials; ++trial) {
    PairedTotals totals({"psnr_db"});
    const auto of = [](std::uint32_t image, double psnr_db) {
      ImageRecord made;
      made.image = image;
      made.scores[0] = psnr_db;
      return made;
    };
    for (std::uint32_t image = 0; image < 60; ++image) {
      const auto normal = [&](std::uint32_t place) {
        return std::sqrt(2.0) *
               complex_normal(philox(22, Purpose::data_bits, image, trial, place)).real();
      };
      const double shift = 0.5 + 2 * normal(0);
      for (std::uint32_t point = 0; point < (image % 2 == 0 ? 10u : 5u); ++point)
        totals.add(of(image, 20), of(image, 20 + shift + 0.3 * normal(1 + point)));
    }
    hits += covered(totals.result().scores[0].second, 0.5);
  }
  expect_covers(hits);
}

TEST(CompareLong, McNemarRejectsAsOftenAsItSays) {
  // Equal settings: p below 0.05 in at most 5 % of the trials (the exact test is cautious), and not
  // far fewer with many discordant pairs.
  int exact = 0, chi_square = 0;
  for (std::uint32_t trial = 0; trial < trials; ++trial) {
    const auto discordant = [&](std::int64_t n) {
      std::int64_t first = 0;
      for (std::int64_t i = 0; i < n; ++i)
        first += draw(trial, static_cast<std::uint32_t>(i), 7) < 0.5;
      return mcnemar_p(first, n - first) < 0.05;
    };
    exact += discordant(60);
    chi_square += discordant(1500);
  }
  for (const int rejected : {exact, chi_square}) {
    EXPECT_LT(rejected, trials * 0.05 + 4 * std::sqrt(trials * 0.05 * 0.95));
    EXPECT_GT(rejected, trials * 0.02);
  }
}

}  // namespace
}  // namespace semwave
