#include "node/wire/bytes.h"

#include "core/base/text.h"

namespace semwave {
std::string ByteReader::text(std::size_t most) {
  const auto length = number<std::uint16_t>();
  if (length > most) {
    fail();
    return {};
  }
  const std::string_view taken = bytes(length);
  if (!is_printable(taken)) {
    fail();
    return {};
  }
  return std::string(taken);
}

}  // namespace semwave
