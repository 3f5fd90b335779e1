// Header bits to channel uses and back: CRC, convolutional code, interleaving with repetition,
// modulation; four formats.
//
// Each part by itself: part | CRC-8 | six zero bits through the (133, 171) code gives n coded bits.
// The symbols take bits 0, s, 2s, ... (mod n) of them, going round as often as the repetition says;
// s is the stride nearest to round(0.618 n) (of two, the greater) that shares no factor with n, so
// neighbours of the trellis travel in different symbols and a part of a round is spread evenly. The
// last symbol is filled by going on round. The receiver adds the likelihood ratios of the copies of
// a bit.
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/pooled_vector.h"
#include "phy/burst/burst.h"

namespace semwave {

struct HeaderFormat {
  std::string name;     // "16-QAM 1/2"
  int bits_per_symbol;  // 2: QPSK, 4: 16-QAM
  double repetition;    // rounds through the coded bits, 1 or more, not always whole
};

/// Cheapest first, most robust last.
const std::vector<HeaderFormat>& header_formats();

/// Channel uses of a header whose parts have these many bits (without their CRC; each part carries
/// its own CRC and tail).
std::int64_t header_uses(std::span<const int> part_bits, int format);

std::int64_t header_uses(const HeaderOnAir& header);

/// Predicted probability that any part of the header is read wrongly or not at all, at this SNR
/// without fading: from phy/header/header_loss_table.inc, simulated by
/// benchmarks/header_loss_table.cpp with this very code. Within a factor of 2 of fresh simulation
/// where the loss is between 1e-4 and 1; below, it is continued along its slope and rather too
/// high. The SNR includes the gain where that is known; for gains that vary within the header the
/// figure is too low.
double header_loss(std::span<const int> part_bits, int format, double snr_db);

/// Cheapest format whose predicted loss is at most 1e-3, the most robust where none reaches it.
int choose_header_format(std::span<const int> part_bits, double believed_snr_db);

/// Unit-power symbols of the whole header.
Symbols encode_header(const HeaderOnAir& header);

/// Tries the formats in turn; the first whose CRCs hold and whose lengths fit wins, none: the
/// header is lost. `first_bits` is the length of the fixed word; `next_bits` gives the length of
/// the second part from the first (0: there is none; nullopt: the word is impossible, try on).
/// `symbols` must hold exactly the header: a format whose header has another length does not fit. A
/// noise variance of 0 is read as a very small one.
std::optional<PooledVector<Bits>> decode_header(
    std::span<const std::complex<float>> symbols, std::span<const std::complex<float>> gains,
    double noise_variance, int first_bits,
    const std::function<std::optional<int>(const Bits&)>& next_bits);

/// A header at the start of a frame whose payload follows: what is known is where the frame begins
/// and how long it is.
struct FoundHeader {
  PooledVector<Bits> parts;
  int format = 0;
  std::int64_t uses = 0;  // of the header; the payload starts there
};
/// As decode_header on a whole frame; `payload_uses` gives the length of the payload from the fixed
/// word, and a format fits where header and payload fill the frame.
std::optional<FoundHeader> find_header(
    std::span<const std::complex<float>> frame, std::span<const std::complex<float>> gains,
    double noise_variance, int first_bits,
    const std::function<std::optional<int>(const Bits&)>& next_bits,
    const std::function<std::int64_t(const Bits&)>& payload_uses);

}  // namespace semwave
