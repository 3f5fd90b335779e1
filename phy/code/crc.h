// Cyclic redundancy checks. The headers' own is CRC-8 with the polynomial x^8 + x^5 + x^3 + x^2 + x
// + 1 (0x2F: distance 4 up to 119 message bits, Koopman and Chakravarty 2004); data blocks take
// those of 3GPP TS 38.212, clause 5.1. Every register is preset to ones, so that a message of
// zeros, which is what a decoder makes of silence, does not check (38.212 does so for control
// information alone).
#pragma once

#include <cstdint>
#include <span>

#include "phy/burst/burst.h"

namespace semwave {

struct Crc {
  int bits;                  // 1 to 32
  std::uint32_t polynomial;  // without its highest term
};

inline constexpr Crc crc_header{8, 0x2F};
inline constexpr Crc crc_6{6, 0x21};         // 38.212: x^6 + x^5 + 1
inline constexpr Crc crc_11{11, 0x621};      // x^11 + x^10 + x^9 + x^5 + 1
inline constexpr Crc crc_16{16, 0x1021};     // x^16 + x^12 + x^5 + 1
inline constexpr Crc crc_24a{24, 0x864CFB};  // transport blocks
inline constexpr Crc crc_24b{24, 0x800063};  // their code blocks, where there are several
inline constexpr Crc crc_24c{24, 0xB2B117};  // control information

/// The check of a message given bit by bit, first bit highest.
std::uint32_t crc_of(const Crc& crc, std::span<const std::uint8_t> bits);
/// Message and check, `crc.bits` bits more.
Bits append_crc(const Crc& crc, std::span<const std::uint8_t> bits);
/// Whether the last `crc.bits` bits are the check of those before them.
bool crc_holds(const Crc& crc, std::span<const std::uint8_t> bits_and_check);

// Those of the headers.
inline constexpr int crc_bits = crc_header.bits;
Bits append_crc(std::span<const std::uint8_t> bits);
bool crc_holds(std::span<const std::uint8_t> bits_and_check);

}  // namespace semwave
