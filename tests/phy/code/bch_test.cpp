// BCH codes against the generators of the literature, the distance they promise, and the tail of
// the binomial law.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/core/expect_error.h"
#include "tests/phy/code/coded_frames.h"
#include "tests/phy/transport/lost_frames.h"

namespace semwave {
namespace {

std::shared_ptr<const ChannelCode> bch(int n, int t) {
  return channel_codes().make({{"kind", "bch"}, {"n", n}, {"t", t}}, {"test", "/code"});
}

/// One code block of so many bits.
struct OneBlock {
  OneBlock(const ChannelCode& code, std::int64_t message)
      : coder(code.coder({.message = message, .count = 1})),
        decoder(coder->decoder({})),
        length(static_cast<std::size_t>(code.coded_bits(message))) {}

  Bits encode(const Bits& message) const {
    Bits coded(length);
    coder->encode(0, message, coded);
    return coded;
  }
  /// Whether a codeword was found.
  bool decode(const Bits& received, Bits& message) {
    PooledVector<float> soft;
    for (const std::uint8_t bit : received) soft.push_back(bit ? -1.0f : 1.0f);
    BlockVerdict verdict;
    decoder->decode(soft, message, {&verdict, 1});
    return verdict.holds;
  }

  std::unique_ptr<BlockCoder> coder;
  std::unique_ptr<BlockDecoder> decoder;
  std::size_t length;
};

/// The codeword of a last bit alone is the generator: a digit of octal is three of its bits.
std::string generator_in_octal(const ChannelCode& code) {
  Bits message(static_cast<std::size_t>(code.full_message()));
  message.back() = 1;
  const Bits coded = OneBlock(code, code.full_message()).encode(message);
  const Bits bits(coded.begin() + static_cast<std::ptrdiff_t>(message.size()) - 1, coded.end());
  std::string octal;
  for (std::size_t i = 0, digit = 0; i < bits.size(); ++i) {
    digit = 2 * digit + bits[i];
    if ((bits.size() - 1 - i) % 3 != 0) continue;
    octal += static_cast<char>('0' + digit);
    digit = 0;
  }
  return octal;
}

// Lin and Costello, "Error Control Coding", appendix C.
TEST(Bch, GeneratorsAreThoseOfTheLiterature) {
  struct Known {
    int n, k, t;
    const char* generator;
  };
  for (const Known& known : {Known{7, 4, 1, "13"},
                             {15, 11, 1, "23"},
                             {15, 7, 2, "721"},
                             {15, 5, 3, "2467"},
                             {31, 21, 2, "3551"},
                             {31, 16, 3, "107657"},
                             {63, 51, 2, "12471"},
                             {63, 45, 3, "1701317"},
                             {63, 39, 4, "166623567"},
                             {127, 113, 2, "41567"},
                             {127, 64, 10, "1206534025570773100045"}}) {
    const auto code = bch(known.n, known.t);
    EXPECT_EQ(code->full_message(), known.k);
    EXPECT_EQ(code->coded_bits(known.k), known.n);
    EXPECT_EQ(generator_in_octal(*code), known.generator) << code->name();
  }
}

TEST(Bch, EveryPatternOfAsManyErrorsAsPromisedIsCorrected) {
  const auto code = bch(15, 2);
  OneBlock block(*code, 7);
  for (std::uint32_t m = 0; m < 128; m += 9) {
    Bits message(7), heard(7);
    for (std::size_t i = 0; i < 7; ++i) message[i] = (m >> i) & 1u;
    for (std::size_t a = 0; a < 15; ++a)
      for (std::size_t b = a; b < 15; ++b) {
        Bits received = block.encode(message);
        received[a] ^= 1;
        if (b != a) received[b] ^= 1;
        EXPECT_TRUE(block.decode(received, heard));
        EXPECT_EQ(heard, message) << a << " " << b;
      }
  }
}

TEST(Bch, LongAndShortenedCodesCorrectAnyTErrorsAndNoMore) {
  struct Case {
    int n, t;
    std::int64_t message;
  };
  for (const Case& one :
       {Case{63, 3, 45}, {63, 3, 20}, {127, 10, 64}, {127, 10, 1}, {1023, 20, 500}, {15, 7, 1}}) {
    const auto code = bch(one.n, one.t);
    OneBlock block(*code, one.message);
    for (std::uint32_t frame = 0; frame < 60; ++frame) {
      const Bits message = random_message(static_cast<std::size_t>(one.message), frame);
      const Bits sent = block.encode(message);
      Bits received = sent, heard(message.size());
      const auto hit = [&](int errors) {  // so many different places
        std::vector<std::size_t> places(sent.size());
        for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
        for (int e = 0; e < errors; ++e) {
          const std::uint32_t draw =
              philox(3, Purpose::data_bits, frame, 0, static_cast<std::uint32_t>(e))[0];
          std::swap(places[static_cast<std::size_t>(e)],
                    places[static_cast<std::size_t>(e) +
                           draw % (places.size() - static_cast<std::size_t>(e))]);
          received[places[static_cast<std::size_t>(e)]] ^= 1;
        }
      };
      hit(one.t);
      EXPECT_TRUE(block.decode(received, heard)) << code->name();
      EXPECT_EQ(heard, message) << code->name() << " " << frame;
      if (static_cast<std::size_t>(one.t) + 1 > sent.size()) continue;
      received = sent;
      hit(one.t + 1);
      Bits found = heard;
      const bool held = block.decode(received, found);
      EXPECT_TRUE(!held || block.encode(found) != sent) << "beyond what the distance allows";
    }
  }
}

TEST(Bch, BlocksAreLostAsOftenAsTheBinomialLawSays) {
  for (const auto& [n, t, modulation, snr_db] : {std::tuple{63, 3, Modulation::qpsk, 6.0},
                                                 {15, 2, Modulation::bpsk, 2.0},
                                                 {127, 10, Modulation::qpsk, 4.5}}) {
    const ModulationCoding coding{.code = bch(n, t), .modulation = modulation, .check = false};
    const std::int64_t bits = coding.code->full_message();
    const int frames = 6000;
    const double p = modulation == Modulation::bpsk
                         ? 0.5 * std::erfc(std::sqrt(std::pow(10.0, snr_db / 10)))
                         : 0.5 * std::erfc(std::sqrt(std::pow(10.0, snr_db / 10) / 2));
    double kept = 0, term = std::pow(1 - p, n);  // of up to t errors
    for (int j = 0; j <= t; ++j) {
      kept += term;
      term *= (n - j) / (j + 1.0) * p / (1 - p);
    }
    EXPECT_NEAR(predicted_loss(bits, coding, snr_db), 1 - kept, 1e-9) << coding.name();
    const LostFrames met = lose(Transport(bits, coding), snr_db, frames);
    const double expected = frames * (1 - kept);
    ASSERT_GT(expected, 100) << coding.name();
    EXPECT_LT(std::abs(met.lost - expected) / std::sqrt(expected * kept), 4)
        << coding.name() << ": " << met.lost << " of " << expected;
  }
}

TEST(Bch, ABlockOfManyBitsIsCutAndChecked) {
  const ModulationCoding coding{.code = bch(63, 3)};
  const Transport transport(1000, coding);  // a CRC for each code block
  EXPECT_EQ(transport.layout().blocks, 35);
  EXPECT_EQ(transport.layout().name(), "QPSK (63,45) bch");
  const LostFrames met = lose(transport, 11, 50);
  EXPECT_EQ(met.lost, 0);
}

TEST(Bch, WhatIsNoCodeIsRefused) {
  expect_contains(error_of([] { bch(60, 3); }), "/code/n");
  expect_contains(error_of([] { bch(63, 32); }), "/code/t");
  expect_contains(error_of([] { check_modulation_coding({.code = bch(15, 2)}); }),
                  "no more than the CRC");
}

}  // namespace
}  // namespace semwave
