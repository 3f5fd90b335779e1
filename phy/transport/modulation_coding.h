// How a block of information bits is put on the air: which channel code on which constellation; how
// many channel uses that takes, and which choice a sender makes that believes in an SNR. Transport
// (transport.h) does the coding itself.
//
// A block is cut into code blocks of equal size (to a bit), each with its own CRC: 16 bits, or what
// the code brings itself (11 with polar codes) or says (ChannelCode::check_crc; some have one more
// behind the whole block). Everything here follows from the number of bits and
// the ModulationCoding alone: a receiver that knows both needs nothing else.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "phy/code/channel_code.h"
#include "phy/modulation/modulation.h"

namespace semwave {

struct ModulationCoding {
  std::shared_ptr<const ChannelCode> code = automatic_code();
  Modulation modulation = Modulation::qpsk;
  bool check = true;  // a CRC for each code block; a code with one of its own has it always

  /// "QPSK 1/2", "64-QAM 5/6 ldpc 1944".
  std::string name() const;
};

/// Whether it can be used at all: whether a code block carries more than its CRC. Throws
/// PartError at "/code".
void check_modulation_coding(const ModulationCoding& coding);

/// A block of `bits` as it goes on air. Its code belongs to the ModulationCoding that it was laid
/// out for.
struct BlockLayout {
  const ChannelCode* code = nullptr;  // settled
  Modulation modulation = Modulation::qpsk;
  Crc crc = no_crc;    // of each code block; 0 bits: none
  Crc whole = no_crc;  // behind the information bits, cut into code blocks with them; 0 bits: none
  std::int64_t bits = 0;
  int blocks = 0;               // code blocks; 0 without bits
  std::int64_t coded_bits = 0;  // of all code blocks, before the last symbol is filled
  std::int64_t uses = 0;        // channel uses

  std::string name() const;  // "QPSK 1/2 ldpc 648"

  /// Bits that are cut into code blocks, and those of one without its CRC. The first carried() %
  /// blocks code blocks have one bit more.
  std::int64_t carried() const { return bits + whole.bits; }
  std::int64_t block_carried(int block) const {
    return carried() / blocks + (block < carried() % blocks);
  }
  /// Information bits of a code block, the first of them, and its coded bits on air.
  std::int64_t block_bits(int block) const {
    return std::min(block_carried(block), bits - block_start(block));
  }
  std::int64_t block_start(int block) const {
    return block * (carried() / blocks) + std::min<std::int64_t>(block, carried() % blocks);
  }
  std::int64_t block_coded_bits(int block) const { return coded_bits_of(block_carried(block)); }
  /// Of the uses, those that the information bits alone would take; the others are parity (CRC,
  /// code, tail, filling).
  std::int64_t payload_uses() const;
  std::int64_t parity_uses() const { return uses - payload_uses(); }

  std::int64_t coded_bits_of(std::int64_t carried_bits) const {
    return coded_bits_on(*code, carried_bits + crc.bits, bits_per_symbol(modulation));
  }
};

/// 0 <= bits <= transport_largest_bits; `coding` has passed check_modulation_coding and outlives
/// the layout.
BlockLayout lay_blocks(std::int64_t bits, const ModulationCoding& coding);
inline constexpr std::int64_t transport_largest_bits = std::int64_t{1} << 24;

/// Channel uses of a block of `bits`.
std::int64_t transport_uses(std::int64_t bits, const ModulationCoding& coding);
/// Most bits whose block takes at most `uses`; 0 where none fits.
std::int64_t bits_within(std::int64_t uses, const ModulationCoding& coding);

/// Predicted probability that any code block of a block is lost at this SNR, fading none: in closed
/// form where the code has one (without a code: every symbol right), else from the rows of a table
/// (transport_loss.h). Those of this tree are simulated with this very code (max-log soft bits;
/// LDPC: min-sum, 50 iterations; polar: a list of 8) for losses from 0.5 to 1e-4, full and
/// shortened code blocks, continued along the slope beyond. Between two lengths of the table the
/// SNR is read off a straight line in the logarithm of the bits, and between two rates off code
/// blocks of equal length on air. The SNR of a loss of 1e-2 is mostly right within 0.15 dB and
/// nearly always within 0.3 dB. Blocks of about 30 bits or less, on a constellation of many points
/// or in an LDPC code, may be off by 0.6 dB: how their bits happen to be interleaved shows
/// (benchmarks/claims/loss_prediction.py). Codes that are in no table, of a file for example, polar
/// codes at rates outside those that a sender may choose from on a constellation, and
/// constellations beyond those of TS 38.211: by the normal approximation, 1 dB worse. The SNR
/// includes the gain where that is known; for gains that vary within the block the figure is too
/// low.
double predicted_loss(std::int64_t bits, const ModulationCoding& coding, double snr_db);

/// Lists that a sender may choose from. `mixed`: polar codes on QPSK at rate 1/16 to 256-QAM at
/// 5/6, the most robust first, then the LDPC codes of 802.11n, which are better where they are
/// filled; of those that are worth their channel uses for a block of a few hundred bits or more,
/// neighbours differ by at most 1 dB. The others hold the LDPC codes of 5G NR at the modulations
/// and rates of 3GPP TS 38.214, tables 5.1.3.1-1 and 5.1.3.1-2, by their index; their rates count
/// the CRC of the code block as information, and the smallest blocks take a little more
/// (nr_least_sent).
enum class CodingList : std::uint8_t { mixed, nr_64qam, nr_256qam };
inline constexpr std::array<const char*, 3> coding_list_names = {"mixed", "nr-64qam", "nr-256qam"};

/// A list, by index. Both ends know it; a choice costs modulation_coding_bits in a header.
const std::vector<ModulationCoding>& modulation_codings(CodingList list = CodingList::mixed);
inline constexpr int modulation_coding_bits = 6;

struct TransportChoice {
  int index = 0;  // in the list
  std::int64_t bits = 0;
  std::int64_t uses = 0;
  double loss = 0;  // predicted
};
inline constexpr double largest_transport_loss = 1e-2;

/// For so many bits: fewest uses with a predicted loss within `largest_loss`; the choice of least
/// loss where none is. Looks at the SNR that the sender believes in, and at nothing else.
TransportChoice cheapest(std::int64_t bits, double believed_snr_db,
                         double largest_loss = largest_transport_loss,
                         CodingList list = CodingList::mixed);

}  // namespace semwave
