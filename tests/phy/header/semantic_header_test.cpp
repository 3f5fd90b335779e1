// Layout of the semantic header: every k of the 49-token grid, random grids to 1024, and what must
// be refused.
#include "phy/header/semantic_header.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/random/random.h"

namespace semwave {
namespace {

/// k of T positions, ascending (selection sampling).
PooledVector<std::int32_t> draw_positions(int grid, int k, std::uint32_t trial) {
  PooledVector<std::int32_t> positions;
  for (int p = 0; p < grid; ++p) {
    const int left = grid - p, wanted = k - static_cast<int>(positions.size());
    const RandomWords words = philox(21, Purpose::plan, static_cast<std::uint32_t>(grid), trial,
                                     static_cast<std::uint32_t>(p));
    if (uniform(words[0]) * left < wanted) positions.push_back(p);
  }
  return positions;
}

void expect_round_trip(const SemanticHeader& header, int grid) {
  const PooledVector<Bits> parts = write_semantic_header(header, grid);
  ASSERT_EQ(static_cast<int>(parts[0].size()), semantic_word_bits(grid));
  const std::optional<int> second = semantic_second_part_bits(parts[0], grid);
  ASSERT_TRUE(second.has_value());
  const int tokens = grid == any_grid ? header.size.tokens() : grid;
  EXPECT_EQ(*second, header.positions_sent ? position_bits(tokens, header.k) : 0);
  ASSERT_EQ(parts.size(), *second > 0 ? 2u : 1u);
  if (parts.size() == 2) {
    EXPECT_EQ(static_cast<int>(parts[1].size()), *second);
  }
  const std::optional<SemanticHeader> read = read_semantic_header(parts, grid);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->exit_depth, header.exit_depth);
  EXPECT_EQ(read->symbols_per_token, header.symbols_per_token);
  EXPECT_EQ(read->answer, header.answer);
  EXPECT_EQ(read->k, header.k);
  EXPECT_EQ(read->positions_sent, header.positions_sent);
  EXPECT_EQ(read->positions, header.positions);
  EXPECT_EQ(read->size, header.size);
}

TEST(SemanticHeader, EveryCountOfThe49GridComesBack) {
  for (int k = 0; k <= 49; ++k)
    for (std::uint32_t trial = 0; trial < 20; ++trial) {
      const bool sent = trial % 2 == 0;
      expect_round_trip(
          {.exit_depth = static_cast<int>(trial % 16),
           .symbols_per_token = 1 + k % 16,
           .positions_sent = sent,
           .positions = sent ? draw_positions(49, k, trial) : PooledVector<std::int32_t>{},
           .k = k},
          49);
    }
}

TEST(SemanticHeader, AnAnswerIsTheClassAndNothingElse) {
  EXPECT_EQ(semantic_answer_bits(49), 12);
  EXPECT_EQ(semantic_answer_bits(1), 7);
  EXPECT_EQ(semantic_answer_bits(1024), 17);
  for (const int grid : {1, 9, 49, 64, 1024}) {
    const int classes = 1 << semantic_answer_bits(grid);
    for (int decision = 0; decision < classes; decision += 1 + decision / 3) {
      const PooledVector<Bits> parts = write_semantic_header(
          {.exit_depth = decision % 16, .answer = true, .decision = decision}, grid);
      ASSERT_EQ(parts.size(), 1u);
      ASSERT_EQ(static_cast<int>(parts[0].size()), semantic_word_bits(grid));
      EXPECT_EQ(semantic_second_part_bits(parts[0], grid), 0);
      EXPECT_EQ(semantic_payload(parts[0], grid).symbols(), 0);
      const std::optional<SemanticHeader> read = read_semantic_header(parts, grid, decision + 1);
      ASSERT_TRUE(read.has_value());
      EXPECT_TRUE(read->answer);
      EXPECT_EQ(read->decision, decision);
      EXPECT_EQ(read->exit_depth, decision % 16);
      EXPECT_EQ(read->k, 0);
      EXPECT_FALSE(read->positions_sent);
      EXPECT_FALSE(read_semantic_header(parts, grid, decision).has_value()) << "no such class";
      EXPECT_FALSE(semantic_second_part_bits(parts[0], grid, decision).has_value());
    }
  }
  // depth 5, symbols' field 1011, answer, form's field 01, count's field 100110: class 1011 01
  // 100110.
  EXPECT_EQ(
      write_semantic_header({.exit_depth = 5, .answer = true, .decision = 0b101101100110}, 49)[0],
      (Bits{0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0}));
}

TEST(SemanticHeader, TheBitsOnAirAreTheseOnes) {
  // depth 4, S - 1 = 7, no answer, index, k = 3; rank C(0, 1) + C(3, 2) + C(8, 3) = 59 in ceil(log2
  // 18424) = 15 bits.
  const PooledVector<Bits> parts = write_semantic_header(
      {.exit_depth = 4, .symbols_per_token = 8, .positions = {0, 3, 8}, .k = 3}, 49);
  EXPECT_EQ(parts[0], (Bits{0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(parts[1], (Bits{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1}));
}

TEST(SemanticHeader, WhateverBitsComeAreReadOrRefused) {
  std::size_t answers = 0, tokens = 0, refused = 0;
  for (std::uint32_t trial = 0; trial < 20000; ++trial) {
    const RandomWords draw = philox(23, Purpose::plan, 0, 0, trial);
    const int grid = std::vector<int>{1, 2, 9, 49, 64, 1024, any_grid}[draw[0] % 7], classes = 10;
    const auto bits = [&](std::uint32_t which, int count) {
      Bits made;
      for (int b = 0; b < count; ++b)
        made.push_back(philox(24, Purpose::plan, trial, which, static_cast<std::uint32_t>(b))[0] &
                       1u);
      return made;
    };
    PooledVector<Bits> parts{bits(0, semantic_word_bits(grid) + (draw[1] % 64 == 0))};
    if (grid == any_grid) {  // most sizes are beyond what is read: small ones
      for (std::size_t b = 0; b < 9; ++b) parts[0][b] = parts[0][13 + b] = 0;
      for (std::size_t b = 47; b < 60; ++b) parts[0][b] &= draw[2] >> 31;
    }
    const std::optional<int> second = semantic_second_part_bits(parts[0], grid, classes);
    if (second && *second > 0) parts.push_back(bits(1, *second));
    const std::optional<SemanticHeader> read = read_semantic_header(parts, grid, classes);
    if (!read) {
      ++refused;
      continue;
    }
    ASSERT_TRUE(second.has_value());
    if (read->answer) {
      ++answers;
      ASSERT_LT(read->decision, classes);
      ASSERT_EQ(semantic_payload(parts[0], grid).symbols(), 0);
    } else {
      ++tokens;
      ASSERT_EQ(semantic_payload(parts[0], grid).symbols(), read->k * read->symbols_per_token);
      ASSERT_EQ(static_cast<int>(read->positions.size()), read->positions_sent ? read->k : 0);
      if (!read->positions_sent || static_cast<int>(parts.size()) == 1) continue;
      if (parts[0][grid == any_grid ? 45 : 9] == 0)
        continue;  // a map; the writer takes the shorter
                   // form
    }
    ASSERT_EQ(write_semantic_header(*read, grid), parts) << "what is read is what would be written";
  }
  EXPECT_GT(answers, 100u);
  EXPECT_GT(tokens, 1000u);
  EXPECT_GT(refused, 1000u);
}

TEST(SemanticHeader, GridsUpTo1024ComeBack) {
  for (std::uint32_t trial = 0; trial < 150; ++trial) {
    const RandomWords words = philox(22, Purpose::plan, 0, 0, trial);
    const int grid = trial == 0 ? 1 : trial == 1 ? 1024 : 1 + static_cast<int>(words[0] % 1024);
    const int k = trial == 1 ? 512 : static_cast<int>(words[1] % static_cast<unsigned>(grid + 1));
    expect_round_trip({.exit_depth = 15,
                       .symbols_per_token = 16,
                       .positions = draw_positions(grid, k, trial),
                       .k = k},
                      grid);
  }
}

TEST(SemanticHeader, PicturesOfAnySizeSayTheirs) {
  EXPECT_EQ(semantic_word_bits(any_grid), 69);
  EXPECT_EQ(semantic_word_bits(any_grid, 5), 74);
  for (const PictureSize& size :
       {PictureSize{1, 1, 1, 1}, PictureSize{64, 96, 8, 8}, PictureSize{9, 31, 3, 16},
        PictureSize{32, 32, 1, 2}, PictureSize{8192, 3, 16, 1}, PictureSize{511, 8192, 5, 7}}) {
    const int grid = size.tokens();
    for (const int k : {0, 1, grid / 3, grid}) {
      if (k > 0 && k < grid && grid > 100000) continue;  // a long map says nothing new
      expect_round_trip({.exit_depth = 3,
                         .symbols_per_token = 64,
                         .positions = draw_positions(grid, k, 1),
                         .k = k,
                         .size = size},
                        any_grid);
      expect_round_trip({.symbols_per_token = 17, .positions_sent = false, .k = k, .size = size},
                        any_grid);
    }
  }
  const PooledVector<Bits> answer =
      write_semantic_header({.answer = true, .decision = 99999, .size = {5, 6, 7, 8}}, any_grid);
  const std::optional<SemanticHeader> read = read_semantic_header(answer, any_grid, 100000);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->decision, 99999);
  EXPECT_EQ(read->size, (PictureSize{5, 6, 7, 8}));
  EXPECT_FALSE(read_semantic_header(answer, any_grid, 99999)) << "no such class";

  // More tokens than any picture has.
  EXPECT_FALSE(semantic_second_part_bits(
      write_semantic_header({.k = 0, .size = {8192, 8192, 1, 1}}, any_grid)[0], any_grid));
  // A combinatorial index of a grid that has none.
  Bits word =
      write_semantic_header({.positions = {4}, .k = 1, .size = {64, 96, 8, 8}}, any_grid)[0];
  EXPECT_EQ(semantic_second_part_bits(word, any_grid), 64 * 96);
  word[46] ^= 1;  // its form
  word[45] ^= 1;
  EXPECT_FALSE(semantic_second_part_bits(word, any_grid));
}

TEST(SemanticHeader, FirstAndLastSubsetsComeBack) {
  for (const int grid : {2, 3, 49, 64, 1024})
    for (const int k : {1, grid / 2, grid - 1}) {
      PooledVector<std::int32_t> first, last;
      for (int i = 0; i < k; ++i) {
        first.push_back(i);
        last.push_back(grid - k + i);
      }
      expect_round_trip({.positions = first, .k = k}, grid);
      expect_round_trip({.positions = last, .k = k}, grid);
    }
}

TEST(SemanticHeader, LengthsAreThoseOfTheConventions) {
  EXPECT_EQ(semantic_word_bits(49), 17);
  EXPECT_EQ(semantic_word_bits(1024), 22);
  EXPECT_EQ(position_bits(49, 12), 37);  // the conventions' example
  EXPECT_EQ(position_bits(49, 0), 0);
  EXPECT_EQ(position_bits(49, 49), 0);
  for (int grid = 1; grid <= 1024; grid = grid * 3 + 1)
    for (int k = 1; k < grid; k += 1 + grid / 7) {
      const double log2_count =
          (std::lgamma(grid + 1.0) - std::lgamma(k + 1.0) - std::lgamma(grid - k + 1.0)) /
          std::log(2.0);
      if (std::abs(log2_count - std::round(log2_count)) > 1e-9) {
        EXPECT_EQ(position_bits(grid, k), static_cast<int>(std::ceil(log2_count)))
            << grid << " " << k;
      }
    }
}

TEST(SemanticHeader, SubsetsHaveDistinctIndicesThatFillTheRange) {
  for (int k = 1; k < 9; ++k) {
    std::set<unsigned> seen;
    int subsets = 0;
    for (unsigned set = 0; set < 1u << 9; ++set) {
      PooledVector<std::int32_t> positions;
      for (int p = 0; p < 9; ++p)
        if ((set >> p) & 1u) positions.push_back(p);
      if (static_cast<int>(positions.size()) != k) continue;
      ++subsets;
      unsigned index = 0;
      const PooledVector<Bits> parts = write_semantic_header({.positions = positions, .k = k}, 9);
      for (const std::uint8_t bit : parts[1]) index = 2 * index + bit;
      seen.insert(index);
    }
    EXPECT_EQ(static_cast<int>(seen.size()), subsets);
    EXPECT_EQ(static_cast<int>(*seen.rbegin()) + 1, subsets);  // 0 .. C(T, k) - 1
  }
}

TEST(SemanticHeader, AMapIsReadAndItsCountChecked) {
  PooledVector<Bits> parts = write_semantic_header({.positions = {1, 4, 5}, .k = 3}, 10);
  parts[0][9] = 0;  // form: map
  parts[0][10] = 1;
  EXPECT_EQ(semantic_second_part_bits(parts[0], 10), 10);
  parts[1] = Bits{0, 1, 0, 0, 1, 1, 0, 0, 0, 0};
  const std::optional<SemanticHeader> read = read_semantic_header(parts, 10);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->positions, (PooledVector<std::int32_t>{1, 4, 5}));
  parts[1][9] = 1;
  EXPECT_FALSE(read_semantic_header(parts, 10).has_value());
}

TEST(SemanticHeader, ImpossibleHeadersAreRefused) {
  const PooledVector<Bits> good = write_semantic_header({.positions = {0, 3, 8}, .k = 3}, 49);
  PooledVector<Bits> bad = good;
  bad[0].push_back(0);
  EXPECT_FALSE(read_semantic_header(bad, 49).has_value()) << "long word";
  bad = good;
  for (std::size_t i = 11; i < 17; ++i) bad[0][i] = 1;  // k = 63
  EXPECT_FALSE(semantic_second_part_bits(bad[0], 49).has_value());
  EXPECT_FALSE(read_semantic_header(bad, 49).has_value()) << "k above T";
  bad = good;
  bad[0][9] = bad[0][10] = 1;
  EXPECT_FALSE(read_semantic_header(bad, 49).has_value()) << "no such form";
  bad = good;
  bad[1].pop_back();
  EXPECT_FALSE(read_semantic_header(bad, 49).has_value()) << "short index";
  bad = good;
  for (std::uint8_t& bit : bad[1]) bit = 1;  // C(49, 3) = 18424 < 2^15 - 1
  EXPECT_FALSE(read_semantic_header(bad, 49).has_value()) << "index out of range";
  EXPECT_FALSE(read_semantic_header({good[0]}, 49).has_value()) << "no second part";
  EXPECT_FALSE(read_semantic_header({}, 49).has_value()) << "nothing";
}

TEST(SemanticHeader, TheChoiceOfCodingTravelsInTheWordAndOnlyWhereItIsAsked) {
  SemanticHeader header{.exit_depth = 2,
                        .symbols_per_token = 5,
                        .positions_sent = true,
                        .positions = {1, 4, 8},
                        .k = 3,
                        .coding = 13};
  EXPECT_EQ(semantic_word_bits(9, 5), semantic_word_bits(9) + 5);
  const PooledVector<Bits> parts = write_semantic_header(header, 9, 5);
  const std::optional<SemanticHeader> read = read_semantic_header(parts, 9, 10, 5);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->coding, 13);
  EXPECT_EQ(read->positions, header.positions);
  EXPECT_EQ(semantic_payload(parts[0], 9, 5).coding, 13);
  EXPECT_EQ(semantic_payload(parts[0], 9, 5).symbols(), 15);
  EXPECT_FALSE(read_semantic_header(parts, 9, 10));  // who knows of no choice reads no such word
  const SemanticHeader answer{
      .exit_depth = 1, .answer = true, .decision = 7, .positions_sent = false};
  EXPECT_EQ(read_semantic_header(write_semantic_header(answer, 9, 5), 9, 10, 5)->decision, 7);
}

}  // namespace
}  // namespace semwave
