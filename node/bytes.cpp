#include "node/bytes.h"

namespace semwave {
namespace {

/// Printable UTF-8 without control characters, overlong forms or surrogates.
bool printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = first < 0x80 ? 0 : first >= 0xC2 && first < 0xE0 ? 1 : first >= 0xE0 && first < 0xF0 ? 2 : first >= 0xF0 && first < 0xF5 ? 3 : -1;
    if (more < 0 || i + static_cast<std::size_t>(more) >= text.size()) return false;
    std::uint32_t point = more == 0 ? first : first & (0x3Fu >> more);
    for (int j = 1; j <= more; ++j) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(j)]);
      if ((next & 0xC0u) != 0x80u) return false;
      point = point << 6 | (next & 0x3Fu);
    }
    if (point < 0x20 || (point >= 0x7F && point < 0xA0) || (more == 2 && point < 0x800) || (point >= 0xD800 && point < 0xE000) || (more == 3 && (point < 0x10000 || point > 0x10FFFF))) return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

}  // namespace

std::string ByteReader::text(std::size_t most) {
  const auto length = number<std::uint16_t>();
  if (length > most) {
    fail();
    return {};
  }
  const std::string_view taken = bytes(length);
  if (!printable(taken)) {
    fail();
    return {};
  }
  return std::string(taken);
}

}  // namespace semwave
