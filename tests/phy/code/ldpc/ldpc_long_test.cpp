// Frame error rates of the LDPC codes with their statistics: against the normal approximation of
// the conventions, min-sum against sum-product, and deep into the waterfall of the shortest code.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "tests/phy/code/ldpc/ldpc_frames.h"

namespace semwave {
namespace {

struct Rate {
  int frames = 0, wrong = 0;
  double value() const { return static_cast<double>(wrong) / frames; }
};

Rate frame_errors(int length, LdpcRate rate, double eb_n0_db, const LdpcDecoding& decoding,
                  int least_wrong, int most_frames) {
  constexpr int step = 1024;
  Rate result;
  while (result.wrong < least_wrong && result.frames < most_frames) {
    result.wrong += decode(heard_frames(length, rate, eb_n0_db, step,
                                        static_cast<std::uint32_t>(result.frames)),
                           decoding)
                        .wrong;
    result.frames += step;
  }
  return result;
}

// Frame errors of 1e-2 with QPSK, n = 1944: Es/N0 by the normal approximation of the constellation,
// docs/conventions.md.
const struct {
  LdpcRate rate;
  double value, es_n0_db;
} bounds[] = {{LdpcRate::half, 1.0 / 2, 0.71},
              {LdpcRate::two_thirds, 2.0 / 3, 2.77},
              {LdpcRate::three_quarters, 3.0 / 4, 3.84},
              {LdpcRate::five_sixths, 5.0 / 6, 5.03}};

TEST(LdpcLong, EveryRateIsWithinEightTenthsOfADecibelOfTheNormalApproximation) {
  for (const auto& bound : bounds)
    for (const LdpcAlgorithm algorithm : {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed}) {
      const double eb_n0_db = bound.es_n0_db + 0.8 - 10 * std::log10(2 * bound.value);
      const Rate lost =
          frame_errors(1944, bound.rate, eb_n0_db, {algorithm, 50, true}, 100, 5 * 1024);
      std::printf("# n 1944 r %.3f Eb/N0 %.2f dB: %d of %d\n", bound.value, eb_n0_db, lost.wrong,
                  lost.frames);
      EXPECT_LT(lost.value(), 1e-2) << bound.value;
    }
}

TEST(LdpcLong, MinSumIsWithinAQuarterOfADecibelOfSumProduct) {
  for (const auto& bound : bounds) {
    const double eb_n0_db = bound.es_n0_db + 0.6 - 10 * std::log10(2 * bound.value);
    const Rate exact = frame_errors(1944, bound.rate, eb_n0_db,
                                    {LdpcAlgorithm::sum_product, 50, true}, 100, 3 * 1024);
    const Rate scaled = frame_errors(1944, bound.rate, eb_n0_db + 0.25,
                                     {LdpcAlgorithm::min_sum, 50, true}, 100, 5 * 1024);
    std::printf("# n 1944 r %.3f: sum-product %d of %d, min-sum 0.25 dB above %d of %d\n",
                bound.value, exact.wrong, exact.frames, scaled.wrong, scaled.frames);
    EXPECT_LT(scaled.value(), exact.value() + 2 * std::sqrt((exact.wrong + 1.0)) / exact.frames)
        << bound.value;
  }
}

TEST(LdpcLong, TheShortestCodeFallsToTwoInAHundredThousand) {
  double before = 1;
  for (const double eb_n0_db : {1.5, 2.0, 2.5, 2.85}) {
    const Rate lost = frame_errors(648, LdpcRate::half, eb_n0_db,
                                   {LdpcAlgorithm::min_sum, 50, true}, 100, 12000 * 1024);
    std::printf("# n 648 r 1/2 Eb/N0 %.2f dB: %d of %d = %.2e\n", eb_n0_db, lost.wrong, lost.frames,
                lost.value());
    EXPECT_GE(lost.wrong, 100);
    EXPECT_LT(lost.value(), before / 2);
    before = lost.value();
  }
  EXPECT_LT(before, 4e-5);
}

}  // namespace
}  // namespace semwave
