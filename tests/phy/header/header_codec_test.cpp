// Headers on air: lengths, round trips in every format, trial of formats, and what must count as
// lost.
#include "phy/header/header_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/random/random.h"
#include "phy/code/convolutional_code.h"
#include "phy/code/crc.h"
#include "phy/header/semantic_header.h"
#include "phy/modulation/modulation.h"

namespace semwave {
namespace {

constexpr int grid = 49;
const int word_bits = semantic_word_bits(grid);
const auto second_part = [](const Bits& word) { return semantic_second_part_bits(word, grid); };

SemanticHeader example(int k, bool positions_sent) {
  SemanticHeader header{
      .exit_depth = 3, .symbols_per_token = 4, .positions_sent = positions_sent, .k = k};
  for (int i = 0; positions_sent && i < k; ++i) header.positions.push_back(i * grid / k);
  return header;
}

PooledVector<int> lengths(const PooledVector<Bits>& parts) {
  PooledVector<int> bits;
  for (const Bits& part : parts) bits.push_back(static_cast<int>(part.size()));
  return bits;
}

/// The documented layout, written a second time: bits with their check, coded, read round with the
/// golden stride, modulated.
Symbols on_air(const Bits& checked, const HeaderFormat& format) {
  const Bits coded = convolutional_encode(checked);
  const auto n = static_cast<long>(coded.size());
  const long golden = std::lround(0.6180339887498949 * static_cast<double>(n));
  long stride = -n;
  for (long s = n - 1; s > 0; --s)
    if (std::gcd(s, n) == 1 && std::abs(s - golden) < std::abs(stride - golden)) stride = s;
  const auto uses = static_cast<std::size_t>(
      std::ceil(static_cast<double>(n) * format.repetition / format.bits_per_symbol - 1e-9));
  Bits stream;
  const long bits = static_cast<long>(uses) * format.bits_per_symbol;
  for (long j = 0; j < bits; ++j) stream.push_back(coded[static_cast<std::size_t>(j * stride % n)]);
  return modulate(modulation_of(format.bits_per_symbol), stream);
}

TEST(HeaderCodec, AtMostFourFormatsCheapestFirst) {
  const PooledVector<int> bits{17, 37};
  ASSERT_LE(header_formats().size(), 4u);
  for (int f = 1; f < static_cast<int>(header_formats().size()); ++f)
    EXPECT_GT(header_uses(bits, f), header_uses(bits, f - 1));
}

TEST(HeaderCodec, UsesOfAFixedWordAreWithinTheBudget) {
  const PooledVector<int> word{word_bits};
  EXPECT_LE(header_uses(word, choose_header_format(word, 10)), 20);
  EXPECT_LE(header_uses(word, choose_header_format(word, 0)), 75);
}

TEST(HeaderCodec, UsesAreTheSymbolsMade) {
  for (int format = 0; format < 4; ++format)
    for (int first = 1; first < 60; first += 3)
      for (int second = 0; second < 1024; second = 2 * second + 5) {
        HeaderOnAir header{.parts = {Bits(static_cast<std::size_t>(first), 1)}, .format = format};
        if (second > 0) header.parts.emplace_back(static_cast<std::size_t>(second), 0);
        EXPECT_EQ(static_cast<std::int64_t>(encode_header(header).size()),
                  header_uses(lengths(header.parts), format));
      }
}

TEST(HeaderCodec, SymbolsHaveUnitMeanPower) {
  for (int format = 0; format < 4; ++format) {
    double power = 0;
    int count = 0;
    for (std::uint32_t trial = 0; trial < 200; ++trial) {
      Bits word(17);
      for (std::size_t i = 0; i < word.size(); ++i)
        word[i] = philox(2, Purpose::data_bits, 0, trial, static_cast<std::uint32_t>(i))[0] & 1u;
      for (const std::complex<float> s : encode_header({.parts = {word}, .format = format})) {
        power += std::norm(s);
        ++count;
      }
    }
    EXPECT_NEAR(power / count, 1.0, 0.03)
        << header_formats()[static_cast<std::size_t>(format)].name;
  }
}

TEST(HeaderCodec, EveryCountComesBackInEveryFormatThroughFading) {
  for (int format = 0; format < 4; ++format)
    for (int k = 0; k <= grid; ++k)
      for (const bool sent : {false, true}) {
        const HeaderOnAir header{.parts = write_semantic_header(example(k, sent), grid),
                                 .format = format};
        Symbols symbols = encode_header(header), gains(symbols.size());
        for (std::size_t u = 0; u < symbols.size(); ++u) {
          gains[u] = std::polar(0.5f + 0.01f * static_cast<float>(k), static_cast<float>(u));
          symbols[u] *= gains[u];
        }
        const auto read = decode_header(symbols, gains, 0.0, word_bits, second_part);
        ASSERT_TRUE(read.has_value()) << format << " " << k;
        EXPECT_EQ(*read, header.parts);
      }
}

TEST(HeaderCodec, AnotherLengthIsLost) {
  const HeaderOnAir header{.parts = write_semantic_header(example(12, true), grid), .format = 1};
  Symbols symbols = encode_header(header);
  symbols.pop_back();
  EXPECT_FALSE(decode_header(symbols, Symbols(symbols.size(), {1, 0}), 0.0, word_bits, second_part)
                   .has_value());
  symbols.resize(symbols.size() + 2);
  EXPECT_FALSE(decode_header(symbols, Symbols(symbols.size(), {1, 0}), 0.0, word_bits, second_part)
                   .has_value());
  EXPECT_FALSE(decode_header({}, {}, 0.1, word_bits, second_part).has_value());
}

TEST(HeaderCodec, AFadedOutHeaderIsLost) {
  for (int format = 0; format < 4; ++format) {
    const Symbols symbols =
        encode_header({.parts = write_semantic_header(example(5, false), grid), .format = format});
    EXPECT_FALSE(
        decode_header(symbols, Symbols(symbols.size(), {0, 0}), 0.1, word_bits, second_part)
            .has_value());
  }
}

TEST(HeaderCodec, NoiseAloneIsHardlyEverRead) {
  // A wrong word passes one time in 256, a wrong second part another; lengths must fit besides.
  int read = 0;
  const std::size_t length =
      encode_header({.parts = write_semantic_header(example(12, true), grid), .format = 1}).size();
  for (std::uint32_t trial = 0; trial < 2000; ++trial) {
    Symbols noise(length);
    for (std::uint32_t u = 0; u < length; ++u)
      noise[u] = std::complex<float>(complex_normal(philox(7, Purpose::header_noise, 0, trial, u)));
    read += decode_header(noise, Symbols(length, {1, 0}), 1.0, word_bits, second_part).has_value();
  }
  EXPECT_LE(read, 4);
}

TEST(HeaderCodec, LayoutOnAirIsTheDocumentedOne) {
  for (int format = 0; format < 4; ++format)
    for (std::uint32_t length = 1; length < 80; ++length) {
      Bits part(length);
      for (std::uint32_t i = 0; i < length; ++i)
        part[i] = philox(3, Purpose::data_bits, length, 0, i)[0] & 1u;
      const Symbols expected =
          on_air(append_crc(part), header_formats()[static_cast<std::size_t>(format)]);
      EXPECT_EQ(encode_header({.parts = {part}, .format = format}), expected) << length;
    }
}

TEST(HeaderCodec, AnyOneWrongBitBeforeTheCodeIsCaught) {
  const PooledVector<Bits> parts = write_semantic_header(example(12, true), grid);
  for (int f = 0; f < 4; ++f) {
    const HeaderFormat& format = header_formats()[static_cast<std::size_t>(f)];
    for (std::size_t which = 0; which < parts.size(); ++which) {
      for (std::size_t flip = 0; flip < parts[which].size() + crc_bits; ++flip) {
        Symbols symbols;
        for (std::size_t p = 0; p < parts.size(); ++p) {
          Bits checked = append_crc(parts[p]);
          if (p == which) checked[flip] ^= 1;
          const Symbols sent = on_air(checked, format);
          symbols.insert(symbols.end(), sent.begin(), sent.end());
        }
        EXPECT_FALSE(
            decode_header(symbols, Symbols(symbols.size(), {1, 0}), 0.1, word_bits, second_part)
                .has_value())
            << format.name << " part " << which << " bit " << flip;
      }
    }
  }
}

TEST(HeaderCodec, AnyOneWrongSymbolIsCorrected) {
  const HeaderOnAir header{.parts = write_semantic_header(example(12, true), grid), .format = 1};
  const Symbols sent = encode_header(header), gains(sent.size(), {1, 0});
  for (std::size_t u = 0; u < sent.size(); ++u) {
    Symbols heard = sent;
    heard[u] = -heard[u];
    const auto read = decode_header(heard, gains, 0.1, word_bits, second_part);
    ASSERT_TRUE(read.has_value()) << u;
    EXPECT_EQ(*read, header.parts);
  }
}

TEST(HeaderCodec, AHeaderIsFoundAtTheStartOfAFrame) {
  for (int format = 0; format < 4; ++format)
    for (const bool sent : {false, true}) {
      const SemanticHeader header = example(12, sent);
      const HeaderOnAir on_the_air{.parts = write_semantic_header(header, grid), .format = format};
      Symbols frame = encode_header(on_the_air);
      const auto uses = static_cast<std::int64_t>(frame.size());
      frame.resize(frame.size() + 12 * 4, {0.6f, -0.8f});
      const auto payload = [](const Bits& word) {
        const auto read = read_semantic_header({word}, grid);
        // Where positions follow, the word alone does not read; its count and rate stand in it all
        // the same.
        int k = 0, symbols = 1;
        for (std::size_t i = 11; i < 17; ++i) k = 2 * k + word[i];
        for (std::size_t i = 4, value = 0; i < 8; ++i) {
          value = 2 * value + word[i];
          symbols = static_cast<int>(value) + 1;
        }
        if (read) {
          EXPECT_EQ(read->k * read->symbols_per_token, k * symbols);
        }
        return std::int64_t{k} * symbols;
      };
      const auto found =
          find_header(frame, Symbols(frame.size(), {1, 0}), 0.05, word_bits, second_part, payload);
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->parts, on_the_air.parts);
      EXPECT_EQ(found->format, format);
      EXPECT_EQ(found->uses, uses);
      frame.pop_back();
      EXPECT_FALSE(
          find_header(frame, Symbols(frame.size(), {1, 0}), 0.05, word_bits, second_part, payload)
              .has_value());
    }
}

}  // namespace
}  // namespace semwave
