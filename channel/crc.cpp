// CRC-8 bit by bit: headers are tens of bits.
#include "channel/crc.h"

namespace semwave {

std::uint8_t crc8(std::span<const std::uint8_t> bits) {
  unsigned sum = 0xFF;
  for (const std::uint8_t bit : bits) {
    const bool feed = ((sum >> 7) ^ bit) & 1u;
    sum = (sum << 1) & 0xFFu;
    if (feed) sum ^= 0x2Fu;
  }
  return static_cast<std::uint8_t>(sum);
}

Bits append_crc(std::span<const std::uint8_t> bits) {
  Bits checked(bits.begin(), bits.end());
  const unsigned check = crc8(bits);
  for (int i = crc_bits - 1; i >= 0; --i) checked.push_back(static_cast<std::uint8_t>((check >> i) & 1u));
  return checked;
}

bool crc_holds(std::span<const std::uint8_t> bits_and_check) {
  if (bits_and_check.size() < crc_bits) return false;
  const std::size_t length = bits_and_check.size() - crc_bits;
  unsigned given = 0;
  for (std::size_t i = length; i < bits_and_check.size(); ++i) given = 2 * given + bits_and_check[i];
  return given == crc8(bits_and_check.first(length));
}

}  // namespace semwave
