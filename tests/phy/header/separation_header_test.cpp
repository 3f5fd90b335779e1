// Headers of the separation and the label pair.
#include "phy/header/separation_header.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "phy/header/label_header.h"
#include "phy/transport/modulation_coding.h"

namespace semwave {
namespace {

TEST(SeparationHeader, ComesBack) {
  const int codings = static_cast<int>(modulation_codings().size());
  for (const std::int64_t budget :
       {std::int64_t{20}, std::int64_t{255}, std::int64_t{256}, std::int64_t{100000}})
    for (const int bytes : {1, 17, static_cast<int>(std::min<std::int64_t>(budget, 4000))})
      for (int coding = 0; coding < codings; ++coding) {
        if (bytes > budget) continue;
        const Bits word = write_separation_header({coding, bytes}, budget);
        ASSERT_EQ(static_cast<int>(word.size()), separation_word_bits(budget));
        const auto back = read_separation_header(word, budget, codings);
        ASSERT_TRUE(back);
        EXPECT_EQ(back->coding, coding);
        EXPECT_EQ(back->bytes, bytes);
      }
}

TEST(SeparationHeader, WordsThatSayNothingPossibleAreRefused) {
  const auto word = [](int value) {
    Bits bits;
    for (int b = separation_word_bits(100) - 1; b >= 0; --b) bits.push_back((value >> b) & 1);
    return bits;
  };
  const int codings = static_cast<int>(modulation_codings().size());
  EXPECT_TRUE(read_separation_header(word(100), 100, codings));
  EXPECT_FALSE(read_separation_header(word(101), 100, codings)) << "beyond the budget";
  EXPECT_FALSE(read_separation_header(word(0), 100, codings)) << "no bytes";
  if (codings < 1 << modulation_coding_bits) {
    EXPECT_FALSE(read_separation_header(word(codings << 7 | 5), 100, codings)) << "no such coding";
  }
  EXPECT_FALSE(read_separation_header(Bits(3, 0), 100, codings));
}

TEST(LabelHeader, HasABitForEachDoublingOfTheClasses) {
  EXPECT_EQ(label_word_bits(2), 1);
  EXPECT_EQ(label_word_bits(10), 4);
  EXPECT_EQ(label_word_bits(16), 4);
  EXPECT_EQ(label_word_bits(17), 5);
  for (int label = 0; label < 10; ++label)
    EXPECT_EQ(read_label(label_header_on_air(label, 10, 10).parts[0], 10), label);
  EXPECT_FALSE(read_label(Bits{1, 0, 1, 0}, 10));
}

}  // namespace
}  // namespace semwave
