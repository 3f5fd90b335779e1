// Header bits to channel uses and back: CRC, convolutional code, modulation, repetition; at most four formats.
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "channel/burst.h"

namespace semwave {

struct HeaderFormat {
  std::string name;        // "16-QAM 1/2"
  int bits_per_symbol;     // 2: QPSK, 4: 16-QAM
  int repetition;
};

/// Cheapest first, most robust last.
const std::vector<HeaderFormat>& header_formats();

/// Channel uses of a header whose parts have these many bits (without their CRC; each part carries its own CRC and tail).
std::int64_t header_uses(std::span<const int> part_bits, int format);

/// Predicted probability that the header is lost at this SNR, from a table made by the simulated code; docs say how accurate.
double header_loss(std::span<const int> part_bits, int format, double snr_db);

/// Cheapest format whose predicted loss is at most 1e-3, the most robust where none reaches it.
int choose_header_format(std::span<const int> part_bits, double believed_snr_db);

/// Unit-power symbols of the whole header.
Symbols encode_header(const HeaderOnAir& header);

/// Tries the formats in turn; the first whose CRCs hold and whose lengths fit wins, none: the header is lost.
/// `first_bits` is the length of the fixed word; `next_bits` gives the length of the second part from the first
/// (0: there is none; nullopt: the word is impossible, try on). `symbols` may hold exactly the header.
std::optional<std::vector<Bits>> decode_header(std::span<const std::complex<float>> symbols, std::span<const std::complex<float>> gains, double noise_variance,
                                               int first_bits, const std::function<std::optional<int>(const Bits&)>& next_bits);

}  // namespace semwave
