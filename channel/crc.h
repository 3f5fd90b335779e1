// CRC-8 with the polynomial x^8 + x^5 + x^3 + x^2 + x + 1 (0x2F: distance 4 up to 119 message bits, Koopman and
// Chakravarty 2004), register preset to ones so that a message of zeros does not check.
#pragma once

#include <cstdint>
#include <span>

#include "channel/burst.h"

namespace semwave {

inline constexpr int crc_bits = 8;

/// The check of a message given bit by bit, first bit highest.
std::uint8_t crc8(std::span<const std::uint8_t> bits);

/// Message and check, eight bits more.
Bits append_crc(std::span<const std::uint8_t> bits);

/// Whether the last eight bits are the check of those before them.
bool crc_holds(std::span<const std::uint8_t> bits_and_check);

}  // namespace semwave
