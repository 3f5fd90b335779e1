#include "node/record/watched_name.h"

#include <cstdint>
#include <span>
#include <string_view>

#include "node/wire/bytes.h"
#include "node/wire/crc32c.h"
#include "node/wire/messages.h"

namespace semwave {

std::string journal_name(const std::string& file) {
  constexpr std::size_t longest = 180;
  std::string name;
  for (const char c : file) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7F && byte != '%')
      name += c;
    else
      name += "%" + hexadecimal(std::span(&byte, 1));
  }
  if (name.size() <= longest) return name;
  std::string sum;
  ByteWriter(sum).number(crc32c(file));
  return name.substr(0, longest - 9) + "~" +
         hexadecimal(std::span(reinterpret_cast<const std::uint8_t*>(sum.data()), sum.size()));
}

std::string file_of(const std::string& journal_name) {
  const std::size_t size =
      journal_name.rfind(' ', journal_name.rfind(' ') - 1);  // and the time behind it
  const std::string name = journal_name.substr(0, size);
  const auto digit = [](char c) { return std::string_view("0123456789abcdef").find(c); };
  std::string file;
  for (std::size_t i = 0; i < name.size(); ++i) {
    file += name[i];
    if (name[i] != '%' || i + 2 >= name.size()) continue;
    const std::size_t high = digit(name[i + 1]), low = digit(name[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos || high + low == 0)
      continue;
    file.back() = static_cast<char>(high << 4 | low);
    i += 2;
  }
  return file;
}

}  // namespace semwave
