// The alist reader: what is well formed is read, each way of being malformed is refused with the
// line it is on.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "core/base/error.h"
#include "phy/code/ldpc/ldpc_code.h"
#include "phy/code/ldpc/ldpc_decoder.h"
#include "tests/core/scratch.h"
#include "tests/phy/code/coded_frames.h"

namespace semwave {
namespace {

// The Hamming code of length 7, lists by column padded with zeros.
constexpr const char* hamming =
    "7 3\n"
    "3 4\n"
    "1 1 2 1 2 2 3\n"
    "4 4 4\n"
    "1 0 0\n"
    "2 0 0\n"
    "1 2 0\n"
    "3 0 0\n"
    "1 3 0\n"
    "2 3 0\n"
    "1 2 3\n"
    "1 3 5 7\n"
    "2 3 6 7\n"
    "4 5 6 7\n";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string without_padding() {
  std::string text = hamming;
  for (std::size_t at; (at = text.find(" 0")) != std::string::npos;) text.erase(at, 2);
  return text;
}

TEST(Alist, HammingCodeIsReadPaddedOrNotWithAnyLineEnds) {
  std::string carriage = hamming;
  for (std::size_t at = 0; (at = carriage.find('\n', at)) != std::string::npos; at += 2)
    carriage.replace(at, 1, "\r\n");
  for (const std::string& text :
       {std::string(hamming), without_padding(), carriage, std::string(hamming) + "\n\n"}) {
    const auto code = LdpcCode::parse_alist(text, "x");
    EXPECT_EQ(code->length(), 7);
    EXPECT_EQ(code->checks(), 3);
    ASSERT_EQ(code->information(), 4);
    int weight_three = 0;
    for (unsigned label = 0; label < 16; ++label) {
      Bits codeword(7);
      code->encode(Bits{std::uint8_t(label & 1), std::uint8_t((label >> 1) & 1),
                        std::uint8_t((label >> 2) & 1), std::uint8_t(label >> 3)},
                   codeword);
      EXPECT_TRUE(code->holds(codeword));
      weight_three += std::count(codeword.begin(), codeword.end(), 1) == 3;
    }
    EXPECT_EQ(weight_three, 7);  // weights 1 + 7 x^3 + 7 x^4 + x^7
  }
}

/// What the reader says of a text.
std::string complaint(const std::string& text) {
  try {
    LdpcCode::parse_alist(text, "x.alist");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Alist, EveryMalformedFileIsRefusedWithItsLine) {
  const std::string good = hamming;
  const struct {
    std::string text, says;
  } cases[] = {
      {"", "x.alist:1: the file ends"},
      {"7\n", "x.alist:1: the number of rows is missing"},
      {"seven 3\n", "x.alist:1: \"seven\" is not a whole number"},
      {std::string("7\0\x1b 3\n", 6), "x.alist:1: \"7\\x00\\x1b\" is not a whole number"},
      {"7.5 3\n", "x.alist:1: \"7.5\" is not a whole number"},
      {"99999999999999999999 3\n", "is not a whole number"},
      {"-7 3\n", "x.alist:1: the number of columns is -7"},
      {"70000 3\n", "x.alist:1: the number of columns is 70000"},
      {"65536 65536\n1 1\n", "too large for its encoder"},
      {"7 0\n", "x.alist:1: the number of rows is 0"},
      {replaced(good, "7 3\n", "7 3 1\n"), "x.alist:1: more numbers"},
      {replaced(good, "3 4\n", "4 4\n"), "x.alist:2: the largest column degree is 4"},
      {replaced(good, "3 4\n", "3 5\n"), "x.alist:4: no degree reaches the largest one stated, 5"},
      {replaced(good, "1 1 2 1 2 2 3\n", "1 1 2 1 2 2 4\n"), "x.alist:3: a column degree is 4"},
      {replaced(good, "1 1 2 1 2 2 3\n", "0 1 2 1 2 2 3\n"), "x.alist:3: a column degree is 0"},
      {replaced(good, "1 1 2 1 2 2 3\n", "1 1 2 1 2 2 3 3\n"), "x.alist:3: more numbers"},
      {replaced(good, "4 4 4\n", "4 4 3\n"),
       "x.alist:4: the column degrees add up to 12, the row degrees to 11"},
      {replaced(good, "1 2 0\n", "1 4 0\n"), "x.alist:7: a row index is 4"},
      {replaced(good, "1 2 0\n", "1 0 0\n"), "x.alist:7: a row index is 0"},
      {replaced(good, "1 2 0\n", "1 1 0\n"), "x.alist:7: an index stands twice"},
      {replaced(good, "1 2 0\n", "1 2 3\n"), "x.alist:7: padding after the list is 3"},
      {replaced(good, "1 2 0\n", "1 2 0 0\n"), "x.alist:7: more numbers"},
      {replaced(good, "1 2 0\n", "1\n"), "x.alist:7: a row index is missing"},
      {replaced(good, "1 3 5 7\n", "1 3 5 8\n"), "x.alist:12: a column index is 8"},
      {replaced(good, "1 3 5 7\n", "1 3 6 7\n"), "x.alist: row 1 of the lists by row"},
      {replaced(good, "4 5 6 7\n", ""), "x.alist:14: the file ends"},
      {good + "1 2\n", "x.alist:15: something stands after the last list"},
      {"2 2\n1 1\n1 1\n1 1\n1\n2\n1\n2\n", "x.alist: the matrix has full column rank"},
  };
  for (const auto& c : cases)
    EXPECT_NE(complaint(c.text).find(c.says), std::string::npos)
        << c.text << "\nsays: " << complaint(c.text);
}

TEST(Alist, EveryPrefixOfAGoodFileIsRefused) {
  const std::string good = hamming;
  for (std::size_t length = 0; length + 1 < good.size(); ++length)
    EXPECT_NE(complaint(good.substr(0, length)), "accepted") << length;
}

std::string alist_of(const LdpcCode& code) {
  std::vector<std::vector<int>> columns(static_cast<std::size_t>(code.length()));
  for (int i = 0; i < code.checks(); ++i)
    for (const std::int32_t c : code.row(i)) columns[static_cast<std::size_t>(c)].push_back(i + 1);
  std::size_t largest = 0;
  std::string degrees, lists;
  for (const auto& column : columns) {
    largest = std::max(largest, column.size());
    degrees += std::to_string(column.size()) + " ";
    for (const int r : column) lists += std::to_string(r) + " ";
    lists += "\n";
  }
  std::string row_degrees;
  for (int i = 0; i < code.checks(); ++i) {
    row_degrees += std::to_string(code.row(i).size()) + " ";
    for (const std::int32_t c : code.row(i)) lists += std::to_string(c + 1) + " ";
    lists += "\n";
  }
  return std::to_string(code.length()) + " " + std::to_string(code.checks()) + "\n" +
         std::to_string(largest) + " " + std::to_string(code.largest_row()) + "\n" + degrees +
         "\n" + row_degrees + "\n" + lists;
}

TEST(Alist, ACodeWrittenAsAFileDecodesAsItself) {
  const auto code = LdpcCode::ieee_80211n(648, LdpcRate::half);
  const std::string path = temporary_path("wifi.alist");
  std::ofstream(path) << alist_of(*code);
  const auto read = LdpcCode::from_alist(path);
  std::remove(path.c_str());
  ASSERT_EQ(read->information(), 324);
  std::vector<float> soft(648);
  Bits codeword(648), heard(648);
  LdpcOutcome outcome;
  read->encode(random_message(324, 1), codeword);
  EXPECT_TRUE(code->holds(codeword));
  hear_bpsk(codeword, 3, 0.5, 1, soft);
  LdpcDecoder(read, {}).decode(soft, heard, {&outcome, 1});
  EXPECT_EQ(heard, codeword);
  EXPECT_THROW(LdpcCode::from_alist(path), Error);  // it is gone
}

}  // namespace
}  // namespace semwave
