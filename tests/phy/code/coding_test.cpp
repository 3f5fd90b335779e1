// The convolutional code, the CRCs and the interleaver by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>

#include "core/random/random.h"
#include "phy/code/convolutional_code.h"
#include "phy/code/crc.h"
#include "phy/code/interleaver.h"

namespace semwave {
namespace {

Bits random_bits(std::size_t count, std::uint32_t trial) {
  Bits bits(count);
  const auto purpose = static_cast<std::uint32_t>(count);
  for (std::uint32_t i = 0; i < count; ++i)
    bits[i] = philox(9, Purpose::data_bits, purpose, trial, i)[0] & 1u;
  return bits;
}

std::vector<float> certain(const Bits& coded) {
  std::vector<float> soft;
  for (const std::uint8_t bit : coded) soft.push_back(bit ? -1.0f : 1.0f);
  return soft;
}

TEST(ConvolutionalCode, ImpulseResponseIsTheGenerators) {
  // 133 = 1 011 011, 171 = 1 111 001, newest bit first.
  EXPECT_EQ(convolutional_encode(Bits{1}), (Bits{1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 0, 1, 1}));
}

TEST(ConvolutionalCode, SmallestWeightIsTheFreeDistanceTen) {
  int smallest = 1000;
  for (unsigned message = 1; message < 1u << 12; ++message) {
    Bits bits;
    for (int i = 0; i < 12; ++i) bits.push_back((message >> i) & 1u);
    const Bits coded = convolutional_encode(bits);
    smallest = std::min(smallest, static_cast<int>(std::count(coded.begin(), coded.end(), 1)));
  }
  EXPECT_EQ(smallest, 10);
}

TEST(ConvolutionalCode, AnyFourFlippedBitsAreCorrected) {
  for (std::uint32_t trial = 0; trial < 500; ++trial) {
    const Bits bits = random_bits(25, trial);
    std::vector<float> soft = certain(convolutional_encode(bits));
    for (std::uint32_t e = 0; e < 4; ++e) {
      const std::size_t at = philox(10, Purpose::data_bits, 0, trial, e)[0] % soft.size();
      soft[at] = -1.0f * (soft[at] > 0 ? 1.0f : -1.0f);
    }
    EXPECT_EQ(viterbi_decode(soft, bits.size()), bits) << trial;
  }
}

TEST(ConvolutionalCode, DecodesTheMostLikelyMessage) {
  constexpr std::size_t length = 7;
  for (std::uint32_t trial = 0; trial < 200; ++trial) {
    std::vector<float> soft(coded_length(length));
    for (std::uint32_t i = 0; i < soft.size(); ++i)
      soft[i] = static_cast<float>(complex_normal(philox(11, Purpose::noise, 0, trial, i)).real());
    double best = -std::numeric_limits<double>::infinity();
    Bits expected;
    for (unsigned message = 0; message < 1u << length; ++message) {
      Bits bits;
      for (std::size_t i = 0; i < length; ++i) bits.push_back((message >> i) & 1u);
      const Bits coded = convolutional_encode(bits);
      double score = 0;
      for (std::size_t i = 0; i < coded.size(); ++i) score += coded[i] ? -soft[i] : soft[i];
      if (score > best) {
        best = score;
        expected = bits;
      }
    }
    EXPECT_EQ(viterbi_decode(soft, length), expected) << trial;
  }
}

TEST(ConvolutionalCode, LongMessagesComeBack) {
  for (const std::size_t length : {0u, 1u, 60u, 1032u}) {
    const Bits bits = random_bits(length, 3);
    EXPECT_EQ(viterbi_decode(certain(convolutional_encode(bits)), length), bits);
  }
}

TEST(Crc, MatchesThePublishedCheckValue) {
  // CRC-8/AUTOSAR of "123456789" is 0xDF; ours leaves out its final inversion.
  Bits bits;
  for (const char c : std::string("123456789"))
    for (int i = 7; i >= 0; --i) bits.push_back((c >> i) & 1);
  EXPECT_EQ(crc_of(crc_header, bits), 0xDFu ^ 0xFFu);
}

Bits bits_of(const std::string& text) {
  Bits bits;
  for (const char c : text)
    for (int i = 7; i >= 0; --i) bits.push_back((c >> i) & 1);
  return bits;
}

TEST(Crc, SixteenBitsMatchThePublishedCheckValue) {
  EXPECT_EQ(crc_of(crc_16, bits_of("123456789")), 0x29B1u);
}  // CRC-16/IBM-3740

/// The remainder of message x^bits with the first `bits` bits inverted, which is what presetting
/// the register does, by long division.
std::uint32_t remainder_by_division(const Crc& crc, const Bits& message) {
  Bits dividend = message;
  dividend.resize(message.size() + static_cast<std::size_t>(crc.bits), 0);
  for (int i = 0; i < crc.bits; ++i) dividend[static_cast<std::size_t>(i)] ^= 1;
  for (std::size_t at = 0; at < message.size(); ++at) {
    if (!dividend[at]) continue;
    dividend[at] = 0;
    for (int i = 0; i < crc.bits; ++i)
      dividend[at + 1 + static_cast<std::size_t>(i)] ^= (crc.polynomial >> (crc.bits - 1 - i)) & 1u;
  }
  std::uint32_t rest = 0;
  for (std::size_t i = message.size(); i < dividend.size(); ++i) rest = 2 * rest + dividend[i];
  return rest;
}

TEST(Crc, EveryCheckIsTheRemainderOfItsPolynomial) {
  for (const Crc& crc : {crc_header, crc_6, crc_11, crc_16, crc_24a, crc_24c})
    for (const std::size_t length : {30u, 61u, 200u}) {
      const Bits message = random_bits(length, 5);
      EXPECT_EQ(crc_of(crc, message), remainder_by_division(crc, message))
          << crc.bits << " " << length;
      Bits sent = append_crc(crc, message);
      ASSERT_EQ(sent.size(), length + static_cast<std::size_t>(crc.bits));
      EXPECT_TRUE(crc_holds(crc, sent));
      for (std::size_t i = 0; i < sent.size(); ++i) {
        sent[i] ^= 1;
        EXPECT_FALSE(crc_holds(crc, sent));
        sent[i] ^= 1;
      }
      EXPECT_FALSE(crc_holds(crc, Bits(length, 0)));
    }
  EXPECT_EQ(crc_24a.polynomial,
            (1u << 23) | (1u << 18) | (1u << 17) | (1u << 14) | (1u << 11) | (1u << 10) | 0xFBu);
  EXPECT_EQ(crc_24c.polynomial, (1u << 23) | (1u << 21) | (1u << 20) | (1u << 17) | (1u << 15) |
                                    (1u << 13) | (1u << 12) | (1u << 8) | 0x17u);
}

TEST(Interleaver, IsAPermutationThatGatherUndoes) {
  for (const std::size_t length : {0u, 1u, 2u, 100u, 1944u}) {
    const Interleaver interleaver(length);
    std::vector<int> numbers(length), spread(length, -1), back(length, -1);
    for (std::size_t i = 0; i < length; ++i) numbers[i] = static_cast<int>(i);
    interleaver.spread<int>(numbers, spread);
    interleaver.gather<int>(spread, back);
    EXPECT_EQ(back, numbers);
    std::sort(spread.begin(), spread.end());
    EXPECT_EQ(spread, numbers);
  }
}

TEST(Interleaver, DependsOnTheLengthAloneAndSeparatesNeighbours) {
  const Interleaver first(648), again(648), other(649);
  EXPECT_TRUE(std::equal(first.order().begin(), first.order().end(), again.order().begin()));
  EXPECT_FALSE(std::equal(first.order().begin(), first.order().end(), other.order().begin()));
  int close = 0;
  for (std::size_t i = 1; i < first.length(); ++i)
    close += std::abs(int(first.order()[i]) - int(first.order()[i - 1])) <= 4;
  EXPECT_LT(close,
            24);  // of 647 pairs a uniform permutation leaves 8 so close, standard deviation 3
}

TEST(Crc, EveryPatternOfUpToThreeFlipsInAHeaderWordIsFound) {
  const Bits sent = append_crc(random_bits(17, 0));
  ASSERT_TRUE(crc_holds(sent));
  Bits heard = sent;
  for (std::size_t a = 0; a < sent.size(); ++a)
    for (std::size_t b = a; b < sent.size(); ++b)
      for (std::size_t c = b; c < sent.size(); ++c) {
        heard = sent;
        heard[a] ^= 1;
        if (b > a) heard[b] ^= 1;
        if (c > b) heard[c] ^= 1;
        if (heard != sent) {
          ASSERT_FALSE(crc_holds(heard)) << a << " " << b << " " << c;
        }
      }
}

TEST(Crc, ZerosAndTooFewBitsDoNotCheck) {
  for (std::size_t length = 0; length < 64; ++length)
    EXPECT_FALSE(crc_holds(Bits(length, 0))) << length;
}

}  // namespace
}  // namespace semwave
