#include "core/base/text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace semwave {
namespace {

/// The character that `text` begins with and its bytes; none where it begins with no UTF-8.
struct Character {
  std::uint32_t point;
  std::size_t bytes;
};

std::optional<Character> first_of(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return Character{first, 1};
  const std::size_t bytes = first >= 0xC2 && first < 0xE0   ? 2
                            : first >= 0xE0 && first < 0xF0 ? 3
                            : first >= 0xF0 && first < 0xF5 ? 4
                                                            : 0;
  if (bytes == 0 || bytes > text.size()) return std::nullopt;

  std::uint32_t point = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0u) != 0x80u) return std::nullopt;
    point = point << 6 | (next & 0x3Fu);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (point < least[bytes] || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF)
    return std::nullopt;
  return Character{point, bytes};
}

bool is_control(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0);
}

bool is_hidden(std::uint32_t point) {
  const bool separates_lines = point == 0x2028 || point == 0x2029;
  const bool turns = (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return separates_lines || turns;
}

std::string formatted(const char* format, unsigned value) {
  std::array<char, 16> text;
  const int length = std::snprintf(text.data(), text.size(), format, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

std::string printable(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  while (!text.empty()) {
    const std::optional<Character> character = first_of(text);
    const std::size_t bytes = character ? character->bytes : 1;
    if (!character) {
      made += formatted("\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (is_control(character->point)) {
      made += formatted("\\x%02x", character->point);
    } else if (is_hidden(character->point)) {
      made += formatted("\\u{%04x}", character->point);
    } else {
      made += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return made;
}

bool is_printable(std::string_view text) {
  return printable(text) == text;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::optional<Character> character = first_of(text);
    if (!character) return false;
    text.remove_prefix(character->bytes);
  }
  return true;
}

std::string printable_json(std::string_view json) {
  std::string made;
  made.reserve(json.size());
  while (!json.empty()) {
    const std::optional<Character> character = first_of(json);
    const std::size_t bytes = character ? character->bytes : 1;
    if (character && (is_control(character->point) || is_hidden(character->point)))
      made += formatted("\\u%04x", character->point);
    else
      made += json.substr(0, bytes);
    json.remove_prefix(bytes);
  }
  return made;
}

}  // namespace semwave
