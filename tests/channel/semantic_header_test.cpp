// Layout of the semantic header: every k of the 49-token grid, random grids to 1024, and what must be refused.
#include "channel/semantic_header.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "core/random.h"

namespace semwave {
namespace {

/// k of T positions, ascending (selection sampling).
List<std::int32_t> draw_positions(int grid, int k, std::uint32_t trial) {
  List<std::int32_t> positions;
  for (int p = 0; p < grid; ++p) {
    const int left = grid - p, wanted = k - static_cast<int>(positions.size());
    const RandomWords words = philox(21, Purpose::plan, static_cast<std::uint32_t>(grid), trial, static_cast<std::uint32_t>(p));
    if (uniform(words[0]) * left < wanted) positions.push_back(p);
  }
  return positions;
}

void expect_round_trip(const SemanticHeader& header, int grid) {
  const List<Bits> parts = write_semantic_header(header, grid);
  ASSERT_EQ(static_cast<int>(parts[0].size()), semantic_word_bits(grid));
  const std::optional<int> second = semantic_second_part_bits(parts[0], grid);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(*second, header.positions_sent ? position_bits(grid, header.k) : 0);
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
}

TEST(SemanticHeader, EveryCountOfThe49GridComesBack) {
  for (int k = 0; k <= 49; ++k)
    for (std::uint32_t trial = 0; trial < 20; ++trial) {
      const bool sent = trial % 2 == 0;
      expect_round_trip({.exit_depth = static_cast<int>(trial % 16),
                         .symbols_per_token = 1 + k % 16,
                         .answer = k % 3 == 0,
                         .positions_sent = sent,
                         .positions = sent ? draw_positions(49, k, trial) : List<std::int32_t>{},
                         .k = k},
                        49);
    }
}

TEST(SemanticHeader, GridsUpTo1024ComeBack) {
  for (std::uint32_t trial = 0; trial < 150; ++trial) {
    const RandomWords words = philox(22, Purpose::plan, 0, 0, trial);
    const int grid = trial == 0 ? 1 : trial == 1 ? 1024 : 1 + static_cast<int>(words[0] % 1024);
    const int k = trial == 1 ? 512 : static_cast<int>(words[1] % static_cast<unsigned>(grid + 1));
    expect_round_trip({.exit_depth = 15, .symbols_per_token = 16, .positions = draw_positions(grid, k, trial), .k = k}, grid);
  }
}

TEST(SemanticHeader, FirstAndLastSubsetsComeBack) {
  for (const int grid : {2, 3, 49, 64, 1024})
    for (const int k : {1, grid / 2, grid - 1}) {
      List<std::int32_t> first, last;
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
      const double log2_count = (std::lgamma(grid + 1.0) - std::lgamma(k + 1.0) - std::lgamma(grid - k + 1.0)) / std::log(2.0);
      if (std::abs(log2_count - std::round(log2_count)) > 1e-9) {
        EXPECT_EQ(position_bits(grid, k), static_cast<int>(std::ceil(log2_count))) << grid << " " << k;
      }
    }
}

TEST(SemanticHeader, SubsetsHaveDistinctIndicesThatFillTheRange) {
  for (int k = 1; k < 9; ++k) {
    std::set<unsigned> seen;
    int subsets = 0;
    for (unsigned set = 0; set < 1u << 9; ++set) {
      List<std::int32_t> positions;
      for (int p = 0; p < 9; ++p)
        if ((set >> p) & 1u) positions.push_back(p);
      if (static_cast<int>(positions.size()) != k) continue;
      ++subsets;
      unsigned index = 0;
      const List<Bits> parts = write_semantic_header({.positions = positions, .k = k}, 9);
      for (const std::uint8_t bit : parts[1]) index = 2 * index + bit;
      seen.insert(index);
    }
    EXPECT_EQ(static_cast<int>(seen.size()), subsets);
    EXPECT_EQ(static_cast<int>(*seen.rbegin()) + 1, subsets);  // 0 .. C(T, k) - 1
  }
}

TEST(SemanticHeader, AMapIsReadAndItsCountChecked) {
  List<Bits> parts = write_semantic_header({.positions = {1, 4, 5}, .k = 3}, 10);
  parts[0][9] = 0;  // form: map
  parts[0][10] = 1;
  EXPECT_EQ(semantic_second_part_bits(parts[0], 10), 10);
  parts[1] = Bits{0, 1, 0, 0, 1, 1, 0, 0, 0, 0};
  const std::optional<SemanticHeader> read = read_semantic_header(parts, 10);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->positions, (List<std::int32_t>{1, 4, 5}));
  parts[1][9] = 1;
  EXPECT_FALSE(read_semantic_header(parts, 10).has_value());
}

TEST(SemanticHeader, ImpossibleHeadersAreRefused) {
  const List<Bits> good = write_semantic_header({.positions = {0, 3, 8}, .k = 3}, 49);
  List<Bits> bad = good;
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

}  // namespace
}  // namespace semwave
