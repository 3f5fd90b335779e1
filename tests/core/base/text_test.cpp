// Text that others wrote, as it is shown: what stays, what is escaped.
#include "core/base/text.h"

#include <gtest/gtest.h>

#include "core/config/json.h"

namespace semwave {
namespace {

TEST(Text, WhatIsPrintableStaysAsItIs) {
  for (const char* text : {"", "plain", "\xC3\xB6", "\xE6\x97\xA5\xE6\x9C\xAC", "\xF0\x9F\x99\x82",
                           "a\\b", "\xD7\xA9\xE2\x80\x8F"}) {
    EXPECT_EQ(printable(text), text);
    EXPECT_TRUE(is_printable(text)) << text;
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Text, ControlsAreEscaped) {
  EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
  EXPECT_EQ(printable("two\nlines\r\t"), "two\\x0alines\\x0d\\x09");
  EXPECT_EQ(printable(std::string("a\0b\x7f", 4)), "a\\x00b\\x7f");
  EXPECT_EQ(printable("\xC2\x9b"
                      "31m"),
            "\\x9b31m")
      << "the one-character CSI of terminals";
  EXPECT_EQ(printable("\xE2\x80\xA8"), "\\u{2028}");
}

TEST(Text, DirectionCannotBeOverridden) {
  EXPECT_EQ(printable("gnp.\xE2\x80\xAE"
                      "exe"),
            "gnp.\\u{202e}exe");
  EXPECT_EQ(printable("\xE2\x81\xA6x\xE2\x81\xA9"), "\\u{2066}x\\u{2069}");
}

TEST(Text, WhatIsNoUtf8IsEscapedByteByByte) {
  const std::pair<const char*, const char*> cases[] = {
      {"\xff\xfe", "\\xff\\xfe"},
      {"a\xC3", "a\\xc3"},                           // cut
      {"\xC0\xAF", "\\xc0\\xaf"},                    // overlong
      {"\xE0\x80\x9b", "\\xe0\\x80\\x9b"},           // overlong
      {"\xED\xA0\x80", "\\xed\\xa0\\x80"},           // a surrogate
      {"\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond the last
      {"\xC3\xC3\xB6", "\\xc3\xC3\xB6"},
  };
  for (const auto& [text, shown] : cases) {
    EXPECT_EQ(printable(text), shown);
    EXPECT_FALSE(is_utf8(text));
  }
}

TEST(Text, ShowingTwiceIsShowingOnce) {
  for (const char* text : {"\x1b[2J", "\xE2\x80\xAE", "\xff", "a\\x1b"})
    EXPECT_EQ(printable(printable(text)), printable(text));
}

TEST(Text, JsonStaysJsonAndMovesNoCursor) {
  const Json value{{"k\x7f\xC3\xB6",
                    "\xC2\x9b"
                    "31m\xE2\x80\xAE\x1b"}};
  const std::string shown = printable_json(value.dump());
  EXPECT_EQ(shown, "{\"k\\u007f\xC3\xB6\":\"\\u009b31m\\u202e\\u001b\"}");
  EXPECT_EQ(Json::parse(shown), value);
}

}  // namespace
}  // namespace semwave
