// Random messages through a binary-input AWGN channel, for the tests of the codes: soft bits as the
// decoders want them, draws keyed by frame.
#pragma once

#include <cmath>
#include <span>
#include <vector>

#include "core/random/random.h"
#include "phy/burst/burst.h"

namespace semwave {

inline Bits random_message(std::size_t bits, std::uint32_t frame) {
  Bits message(bits);
  for (std::uint32_t i = 0; i < bits; ++i)
    message[i] = philox(21, Purpose::data_bits, frame, 0, i)[0] & 1u;
  return message;
}

/// One real BPSK use a bit, noise variance N0 / 2, at this Eb/N0 for information bits of a code of
/// this rate.
inline void hear_bpsk(std::span<const std::uint8_t> codeword, double eb_n0_db, double rate,
                      std::uint32_t frame, std::span<float> soft) {
  const double variance = 0.5 / rate * std::pow(10.0, -eb_n0_db / 10);
  for (std::uint32_t i = 0; i < codeword.size(); ++i) {
    const double noise =
        std::sqrt(2 * variance) * complex_normal(philox(22, Purpose::noise, frame, 0, i)).real();
    soft[i] = static_cast<float>(2 / variance * ((codeword[i] ? -1.0 : 1.0) + noise));
  }
}

}  // namespace semwave
