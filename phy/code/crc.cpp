// CRCs bit by bit: headers are tens of bits, and a data block's decoder costs thousands of
// operations a bit.
#include "phy/code/crc.h"

namespace semwave {

std::uint32_t crc_of(const Crc& crc, std::span<const std::uint8_t> bits) {
  const std::uint32_t ones = 0xFFFFFFFFu >> (32 - crc.bits);
  std::uint32_t sum = ones;
  for (const std::uint8_t bit : bits) {
    const bool feed = ((sum >> (crc.bits - 1)) ^ bit) & 1u;
    sum = (sum << 1) & ones;
    if (feed) sum ^= crc.polynomial;
  }
  return sum;
}

Bits append_crc(const Crc& crc, std::span<const std::uint8_t> bits) {
  Bits checked(bits.begin(), bits.end());
  const std::uint32_t check = crc_of(crc, bits);
  for (int i = crc.bits - 1; i >= 0; --i)
    checked.push_back(static_cast<std::uint8_t>((check >> i) & 1u));
  return checked;
}

bool crc_holds(const Crc& crc, std::span<const std::uint8_t> bits_and_check) {
  const auto check_bits = static_cast<std::size_t>(crc.bits);
  if (bits_and_check.size() < check_bits) return false;
  const std::size_t length = bits_and_check.size() - check_bits;
  std::uint32_t given = 0;
  for (std::size_t i = length; i < bits_and_check.size(); ++i)
    given = 2 * given + bits_and_check[i];
  return given == crc_of(crc, bits_and_check.first(length));
}

Bits append_crc(std::span<const std::uint8_t> bits) {
  return append_crc(crc_header, bits);
}
bool crc_holds(std::span<const std::uint8_t> bits_and_check) {
  return crc_holds(crc_header, bits_and_check);
}

}  // namespace semwave
