// How a block of information bits is put on the air: which channel code at which rate, on which
// constellation; how many channel uses that takes, and which choice a sender makes that believes in
// an SNR. Transport (transport.h) does the coding itself.
//
// A block is cut into code blocks of equal size (to a bit), each with its own CRC: 16 bits, 11 with
// polar codes. LDPC code blocks that are not full are shortened: zeros that both ends know are not
// sent. Everything here follows from the number of bits and the ModulationCoding alone: a receiver
// that knows both needs nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phy/code/crc.h"
#include "phy/code/ldpc/ldpc_code.h"
#include "phy/modulation/modulation.h"

namespace semwave {

/// `automatic`: LDPC at the rates of 802.11n where a code block of 648 coded bits is filled, polar
/// at every other rate and below.
enum class ChannelCode : std::uint8_t { automatic, none, convolutional, ldpc, polar };

std::string_view channel_code_name(
    ChannelCode code);  // "auto", "none", "convolutional", "ldpc", "polar"

struct ModulationCoding {
  ChannelCode code = ChannelCode::automatic;
  /// Information bits and CRC over coded bits. LDPC of 802.11n has 1/2, 2/3, 3/4, 5/6; polar codes
  /// any below 1; the convolutional code 1/2 (before its tail); `none` and codes of a file do not
  /// ask.
  double rate = 0.5;
  Modulation modulation = Modulation::qpsk;
  /// LDPC of 802.11n: 648, 1296, 1944, or 0: the one that needs fewest coded bits, of two the
  /// longer.
  int length = 0;
  std::shared_ptr<const LdpcCode> file{};  // LDPC of a file instead
  bool check = true;                       // a CRC for each code block; polar codes have one always

  /// "QPSK 1/2", "64-QAM 5/6 ldpc 1944".
  std::string name() const;
};

/// Whether it can be used at all: a rate its code has, a length, a code of a file that carries more
/// than its CRC. Throws Error at "@/rate",
/// "@/length" or "@/code" (core/config/registry.h says what a place below "@" is).
void check_modulation_coding(const ModulationCoding& coding);

/// A block of `bits` as it goes on air.
struct BlockLayout {
  ModulationCoding coding;               // never automatic, the length settled
  std::shared_ptr<const LdpcCode> ldpc;  // the code, where it is one
  Crc crc{16, 0x1021};                   // of each code block; 0 bits: none
  std::int64_t bits = 0;
  int blocks = 0;               // code blocks; 0 without bits
  std::int64_t coded_bits = 0;  // of all code blocks, before the last symbol is filled
  std::int64_t uses = 0;        // channel uses

  /// Information bits of a code block, without its CRC, and its coded bits on air. The first bits %
  /// blocks code blocks have one bit more.
  std::int64_t block_bits(int block) const { return bits / blocks + (block < bits % blocks); }
  std::int64_t block_coded_bits(int block) const { return coded_bits_of(block_bits(block)); }
  std::int64_t block_start(int block) const {
    return block * (bits / blocks) + std::min<std::int64_t>(block, bits % blocks);
  }
  /// Of the uses, those that the information bits alone would take; the others are parity (CRC,
  /// code, tail, filling).
  std::int64_t payload_uses() const;
  std::int64_t parity_uses() const { return uses - payload_uses(); }

  std::int64_t coded_bits_of(std::int64_t information_bits) const;
};

/// 0 <= bits <= transport_largest_bits; `coding` has passed check_modulation_coding.
BlockLayout lay_blocks(std::int64_t bits, const ModulationCoding& coding);
inline constexpr std::int64_t transport_largest_bits = std::int64_t{1} << 24;

/// Channel uses of a block of `bits`.
std::int64_t transport_uses(std::int64_t bits, const ModulationCoding& coding);
/// Most bits whose block takes at most `uses`; 0 where none fits.
std::int64_t bits_within(std::int64_t uses, const ModulationCoding& coding);

/// Predicted probability that any code block of a block is lost at this SNR, fading none. `none`:
/// in closed form. The others: from phy/transport/transport_loss_table.inc (transport_loss.h),
/// simulated with this very code (max-log soft bits; LDPC: min-sum, 50 iterations; polar: a list of
/// 8) for losses from 0.5 to 1e-4, full and shortened code blocks, continued along the slope
/// beyond. Between two lengths of the table the SNR is read off a straight line in the logarithm of
/// the bits, and between two rates off code blocks of equal length on air. The SNR of a loss of
/// 1e-2 is mostly right within 0.15 dB and nearly always within 0.3 dB. Blocks of about 30 bits or
/// less, on a constellation of many points or in an LDPC code, may be off by 0.6 dB: how their bits
/// happen to be interleaved shows (benchmarks/claims/loss_prediction.py). Codes of a file, and
/// polar codes at rates outside those that a sender may choose from on a constellation: by the
/// normal approximation, 1 dB worse. The SNR includes the gain where that is known; for gains that
/// vary within the block the figure is too low.
double predicted_loss(std::int64_t bits, const ModulationCoding& coding, double snr_db);

/// What a sender may choose from, by index: polar codes on QPSK at rate 1/16 to 256-QAM at 5/6, the
/// most robust first, then the LDPC codes of 802.11n, which are better where they are filled. Of
/// those that are worth their channel uses for a block of a few hundred bits or more, neighbours
/// differ by at most 1 dB. Both ends know the list; a choice costs modulation_coding_bits in a
/// header.
const std::vector<ModulationCoding>& modulation_codings();
inline constexpr int modulation_coding_bits = 6;

struct TransportChoice {
  int index = 0;  // in modulation_codings()
  std::int64_t bits = 0;
  std::int64_t uses = 0;
  double loss = 0;  // predicted
};
inline constexpr double largest_transport_loss = 1e-2;

/// For so many bits: fewest uses with a predicted loss within `largest_loss`; the choice of least
/// loss where none is. Looks at the SNR that the sender believes in, and at nothing else.
TransportChoice cheapest(std::int64_t bits, double believed_snr_db,
                         double largest_loss = largest_transport_loss);

}  // namespace semwave
