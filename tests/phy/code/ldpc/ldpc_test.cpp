// The twelve codes of 802.11n by their structure, and the decoders: against each other, against
// figures at a fixed point, frame by frame.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/error.h"
#include "tests/phy/code/ldpc/ldpc_frames.h"
#include "tests/phy/code/ldpc/plain_min_sum.h"

namespace semwave {
namespace {

struct Named {
  int length;
  LdpcRate rate;
  int information;
  std::map<int, int> column_degrees;  // in blocks: degree and how many of the 24 columns have it
  int short_cycles;                   // of length 4, in blocks
};

// Degrees counted by hand in the tables of Annex R; the short cycles are those that the published
// matrices have.
const Named all[] = {
    {648, LdpcRate::half, 324, {{2, 11}, {3, 10}, {12, 3}}, 0},
    {648, LdpcRate::two_thirds, 432, {{2, 7}, {3, 8}, {4, 5}, {6, 1}, {8, 3}}, 0},
    {648, LdpcRate::three_quarters, 486, {{2, 5}, {3, 8}, {4, 6}, {6, 5}}, 2},
    {648, LdpcRate::five_sixths, 540, {{2, 3}, {3, 2}, {4, 19}}, 0},
    {1296, LdpcRate::half, 648, {{2, 11}, {3, 9}, {4, 1}, {11, 3}}, 0},
    {1296, LdpcRate::two_thirds, 864, {{2, 7}, {3, 12}, {7, 2}, {8, 3}}, 2},
    {1296, LdpcRate::three_quarters, 972, {{2, 5}, {3, 12}, {6, 7}}, 0},
    {1296, LdpcRate::five_sixths, 1080, {{2, 3}, {3, 5}, {4, 16}}, 0},
    {1944, LdpcRate::half, 972, {{2, 11}, {3, 9}, {4, 1}, {11, 3}}, 0},
    {1944, LdpcRate::two_thirds, 1296, {{2, 7}, {3, 12}, {6, 1}, {8, 4}}, 1},
    {1944, LdpcRate::three_quarters, 1458, {{2, 5}, {3, 13}, {6, 6}}, 0},
    {1944, LdpcRate::five_sixths, 1620, {{2, 3}, {3, 11}, {4, 10}}, 0},
};

TEST(LdpcCode, CodesOf80211nHaveTheirDimensionsAndDegrees) {
  for (const Named& named : all) {
    const auto code = LdpcCode::ieee_80211n(named.length, named.rate);
    EXPECT_EQ(code->length(), named.length);
    EXPECT_EQ(code->information(), named.information);
    EXPECT_EQ(code->checks(), named.length - named.information);
    const int z = named.length / 24;
    std::vector<int> degree(static_cast<std::size_t>(named.length), 0);
    for (const std::int32_t c : code->columns()) ++degree[static_cast<std::size_t>(c)];
    std::map<int, int> counted;
    for (const int d : degree) ++counted[d];
    for (auto& [d, count] : counted) {
      EXPECT_EQ(count % z, 0);
      count /= z;
    }
    EXPECT_EQ(counted, named.column_degrees) << code->name();
  }
}

TEST(LdpcCode, CodesOf80211nHaveFewShortCycles) {
  for (const Named& named : all) {
    const auto code = LdpcCode::ieee_80211n(named.length, named.rate);
    std::map<std::pair<std::int32_t, std::int32_t>, int>
        together;  // how many checks two columns share
    for (int i = 0; i < code->checks(); ++i)
      for (const std::int32_t a : code->row(i))
        for (const std::int32_t b : code->row(i))
          if (a < b) ++together[{a, b}];
    int cycles = 0;
    for (const auto& [pair, count] : together) cycles += count * (count - 1) / 2;
    EXPECT_EQ(cycles, named.short_cycles * named.length / 24) << code->name();
  }
}

TEST(LdpcCode, EveryCodewordOfEveryCodeSatisfiesItsChecks) {
  for (const Named& named : all) {
    const auto code = LdpcCode::ieee_80211n(named.length, named.rate);
    for (std::uint32_t trial = 0; trial < 10; ++trial) {
      const Bits message = random_message(static_cast<std::size_t>(code->information()), trial);
      Bits codeword(static_cast<std::size_t>(code->length())), back(message.size());
      code->encode(message, codeword);
      ASSERT_TRUE(code->holds(codeword)) << code->name();
      code->extract(codeword, back);
      EXPECT_EQ(back, message);
      EXPECT_TRUE(std::equal(message.begin(), message.end(), codeword.begin()));  // systematic
      codeword[trial * 7] ^= 1;
      EXPECT_FALSE(code->holds(codeword));
    }
  }
}

/// The same H as a code that knows nothing of its blocks.
std::vector<std::vector<std::int32_t>> rows_of(const LdpcCode& code) {
  std::vector<std::vector<std::int32_t>> rows;
  for (int i = 0; i < code.checks(); ++i) {
    rows.emplace_back(code.row(i).begin(), code.row(i).end());
    std::sort(rows.back().begin(), rows.back().end());
  }
  return rows;
}

TEST(LdpcCode, EliminationFindsFullRankAndTheSameCodewordsAsTheDualDiagonal) {
  for (const LdpcRate rate : {LdpcRate::half, LdpcRate::five_sixths}) {
    const auto code = LdpcCode::ieee_80211n(648, rate);
    const LdpcCode plain(648, rows_of(*code), "plain");
    ASSERT_EQ(plain.information(), code->information());
    EXPECT_TRUE(std::equal(plain.information_positions().begin(),
                           plain.information_positions().end(),
                           code->information_positions().begin()));
    const Bits message = random_message(static_cast<std::size_t>(code->information()), 3);
    Bits a(648), b(648);
    code->encode(message, a);
    plain.encode(message, b);
    EXPECT_EQ(a, b);
  }
}

TEST(LdpcCode, DependentRowsCostNoInformation) {
  // The third row is the sum of the first two.
  const LdpcCode code(6, {{0, 1, 3}, {1, 2, 4}, {0, 2, 3, 4}, {0, 5}}, "dependent");
  EXPECT_EQ(code.checks(), 4);
  EXPECT_EQ(code.information(), 3);
  std::set<Bits> codewords;
  for (unsigned label = 0; label < 8; ++label) {
    const Bits message{std::uint8_t(label & 1), std::uint8_t((label >> 1) & 1),
                       std::uint8_t(label >> 2)};
    Bits codeword(6), back(3);
    code.encode(message, codeword);
    EXPECT_TRUE(code.holds(codeword));
    code.extract(codeword, back);
    EXPECT_EQ(back, message);
    codewords.insert(codeword);
  }
  EXPECT_EQ(codewords.size(), 8u);
}

TEST(LdpcCode, LengthsThatDoNotExistAreRefused) {
  EXPECT_THROW(LdpcCode::ieee_80211n(672, LdpcRate::half), Error);
}

constexpr LdpcAlgorithm algorithms[] = {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed,
                                        LdpcAlgorithm::sum_product};

TEST(LdpcDecoder, CodewordsComeBackThroughWeakNoiseAtOnce) {
  for (const Named& named : all)
    for (const LdpcAlgorithm algorithm : algorithms) {
      const Frames frames = heard_frames(named.length, named.rate, 8, 3);
      const Decoded decoded = decode(frames, {algorithm, 10, true});
      EXPECT_EQ(decoded.wrong, 0) << frames.code->name();
      for (const LdpcOutcome& outcome : decoded.outcomes) EXPECT_LE(outcome.iterations, 3);
    }
}

// n = 648, r = 1/2, BPSK at Eb/N0 = 1.8 dB, 50 iterations. These decoders' own figures over the
// first 4000 frames are 1.1 % for sum-product and 1.9 % for min-sum; the intervals are two standard
// deviations of 1000 frames.
TEST(LdpcDecoder, FrameErrorsAtAFixedPointWithMinSumCloseToSumProduct) {
  const Frames frames = heard_frames(648, LdpcRate::half, 1.8, 1000);
  const int exact = decode(frames, {LdpcAlgorithm::sum_product, 50, true}).wrong;
  const int scaled = decode(frames, {LdpcAlgorithm::min_sum, 50, true}).wrong;
  const int fixed = decode(frames, {LdpcAlgorithm::min_sum_fixed, 50, true}).wrong;
  EXPECT_NEAR(exact, 11, 7);
  EXPECT_NEAR(scaled, 19, 9);
  EXPECT_LE(scaled, 2 * exact + 4);
  EXPECT_LE(fixed, scaled + 4);
}

TEST(LdpcDecoder, MoreIterationsLoseFewerFrames) {
  const Frames frames = heard_frames(648, LdpcRate::half, 1.8, 512);
  const int five = decode(frames, {LdpcAlgorithm::min_sum, 5, true}).wrong,
            twenty = decode(frames, {LdpcAlgorithm::min_sum, 20, true}).wrong;
  EXPECT_LT(3 * twenty, five);
}

TEST(LdpcDecoder, AFrameDecodesAloneAsAmongOthers) {
  for (const LdpcAlgorithm algorithm : algorithms)
    for (const bool early : {true, false}) {
      const Frames frames = heard_frames(648, LdpcRate::half, 1.3, 70);
      const LdpcDecoding decoding{algorithm, 8, early};
      const Decoded together = decode(frames, decoding);
      LdpcDecoder decoder(frames.code, decoding);
      for (std::size_t f = 0; f < frames.count; f += 7) {
        Bits alone(648);
        LdpcOutcome outcome;
        decoder.decode({frames.soft.data() + f * 648, 648}, alone, {&outcome, 1});
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                               together.codewords.begin() + static_cast<std::ptrdiff_t>(f * 648)));
        EXPECT_EQ(outcome.iterations, together.outcomes[f].iterations);
        EXPECT_EQ(outcome.holds, together.outcomes[f].holds);
      }
    }
}

// One kernel in a build for this machine alone, three in a portable one on a machine with AVX-512.
TEST(LdpcDecoder, EveryVariantOfTheInstructionSetMakesTheSameBits) {
  const Frames frames = heard_frames(648, LdpcRate::half, 1.3, 70);
  for (const LdpcAlgorithm algorithm : {LdpcAlgorithm::min_sum, LdpcAlgorithm::min_sum_fixed}) {
    const Decoded best = decode(frames, {algorithm, 8, true});
    for (const cpu::MinSumKernel& kernel : cpu::min_sum_kernels()) {
      LdpcDecoder decoder(frames.code, {algorithm, 8, true}, &kernel);
      Bits codewords(frames.sent.size());
      std::vector<LdpcOutcome> outcomes(frames.count);
      decoder.decode(frames.soft, codewords, outcomes);
      EXPECT_EQ(codewords, best.codewords) << kernel.register_bytes;
      for (std::size_t f = 0; f < frames.count; ++f)
        EXPECT_EQ(outcomes[f].iterations, best.outcomes[f].iterations);
    }
  }
}

TEST(LdpcDecoder, FixedIterationsAreAllDone) {
  const Frames frames = heard_frames(648, LdpcRate::half, 5, 4);
  for (const LdpcAlgorithm algorithm : algorithms) {
    for (const LdpcOutcome& outcome : decode(frames, {algorithm, 7, false}).outcomes)
      EXPECT_EQ(outcome.iterations, 7);
    for (const LdpcOutcome& outcome : decode(frames, {algorithm, 7, true}).outcomes)
      EXPECT_LT(outcome.iterations, 7);
  }
}

TEST(LdpcDecoder, LanesComputeLayeredMinSum) {
  const Frames frames = heard_frames(648, LdpcRate::three_quarters, 2.2, 20);
  const Decoded decoded = decode(frames, {LdpcAlgorithm::min_sum, 4, false});
  EXPECT_GT(decoded.wrong, 5);  // the comparison covers failures
  for (std::size_t f = 0; f < frames.count; ++f) {
    const Bits expected = plain_min_sum(*frames.code, {frames.soft.data() + f * 648, 648}, 4,
                                        [](float smallest) { return smallest * min_sum_scale; });
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(),
                           decoded.codewords.begin() + static_cast<std::ptrdiff_t>(f * 648)))
        << f;
  }
}

TEST(LdpcDecoder, MinSumDoesNotDependOnTheScaleOfItsInput) {
  Frames frames = heard_frames(648, LdpcRate::half, 1.5, 32);
  const Decoded plain = decode(frames, {LdpcAlgorithm::min_sum, 50, true});
  for (float& soft : frames.soft) soft *= 1024;
  EXPECT_EQ(decode(frames, {LdpcAlgorithm::min_sum, 50, true}).codewords, plain.codewords);
}

TEST(LdpcDecoder, SaturatedBitsAmongErasedOnesDecode) {
  Frames frames = heard_frames(648, LdpcRate::half, 9, 64);
  int saturated = 0;
  for (std::size_t i = 0; i < frames.soft.size(); ++i) {
    if (i % 5 == 0) frames.soft[i] = 0;
    saturated += std::abs(frames.soft[i]) * fixed_point_steps > fixed_point_limit;
  }
  EXPECT_GT(saturated, 64 * 648 / 3);
  for (const LdpcAlgorithm algorithm : algorithms)
    EXPECT_EQ(decode(frames, {algorithm, 50, true}).wrong, 0) << static_cast<int>(algorithm);
}

}  // namespace
}  // namespace semwave
