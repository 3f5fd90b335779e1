// The convolutional code of the headers: rate 1/2, constraint length 7, generators 133 and 171
// (octal), zero tail; free distance 10. Decoded by soft Viterbi (Viterbi 1967), the
// maximum-likelihood sequence.
#pragma once

#include <cstdint>
#include <span>

#include "phy/burst/burst.h"

namespace semwave {

inline constexpr int code_tail_bits = 6;

/// Coded bits of a message: two for each bit and each tail bit.
constexpr std::size_t coded_length(std::size_t bits) {
  return 2 * (bits + code_tail_bits);
}

/// Output of 133, then of 171, for each bit in turn, then for six zeros.
Bits convolutional_encode(std::span<const std::uint8_t> bits);

/// The most likely message. `soft` [coded_length(bits)], positive means 0, any common scale. Ties
/// go to the lower state.
Bits viterbi_decode(std::span<const float> soft, std::size_t bits);

}  // namespace semwave
