// The convolutional code and the CRC by themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "channel/convolutional_code.h"
#include "channel/crc.h"
#include "core/random.h"

namespace semwave {
namespace {

Bits random_bits(std::size_t count, std::uint32_t trial) {
  Bits bits(count);
  const auto purpose = static_cast<std::uint32_t>(count);
  for (std::uint32_t i = 0; i < count; ++i) bits[i] = philox(9, Purpose::data_bits, purpose, trial, i)[0] & 1u;
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
    for (std::uint32_t i = 0; i < soft.size(); ++i) soft[i] = static_cast<float>(complex_normal(philox(11, Purpose::noise, 0, trial, i)).real());
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
  EXPECT_EQ(crc8(bits), 0xDF ^ 0xFF);
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
  for (std::size_t length = 0; length < 64; ++length) EXPECT_FALSE(crc_holds(Bits(length, 0))) << length;
}

}  // namespace
}  // namespace semwave
