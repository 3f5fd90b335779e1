// What a channel code is to everything that uses one: which sizes it makes, a coder of code blocks,
// how often it fails, what results know it by. transport.h lays a block out in code blocks, gives
// each its CRC and interleaves them; nothing there knows which code it is.
//
// A message is what a code block carries: information bits and the bits of their CRC. Bits are one
// an entry, 0 or 1. Soft bits are log P(0) - log P(1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/registry.h"
#include "core/numerics.h"
#include "phy/code/crc.h"
#include "phy/code/decoder_settings.h"
#include "phy/modulation/modulation.h"

namespace semwave {

inline constexpr Crc no_crc{0, 0};

/// The code blocks of a frame: `count` messages, the first `longer` of `message` + 1 bits, the
/// others of `message`.
struct CodeBlocks {
  std::int64_t message = 0;
  int count = 0, longer = 0;
  int width = 1;  // bits of a symbol that carries them, where the code orders them itself

  std::int64_t message_bits(int block) const { return message + (block < longer); }
  /// Which code block of its frame it is, counted through frames one after another.
  int in_frame(std::size_t block) const {
    return static_cast<int>(block % static_cast<std::size_t>(count));
  }
};

struct BlockVerdict {
  bool holds = true;            // as far as the code itself can tell
  std::int32_t iterations = 0;  // of a decoder that iterates
};

/// Serves one thread.
class BlockDecoder {
 public:
  virtual ~BlockDecoder() = default;

  /// `soft`: the coded bits of the code blocks, one block after another, of one frame or of several
  /// one after another; finite. `messages` likewise, as decided. `verdicts`: one a code block, as
  /// many as whole frames have. A code block's result does not depend on those beside it. Takes
  /// nothing from the heap once warm (PooledVector).
  virtual void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
                      std::span<BlockVerdict> verdicts) = 0;
};

/// Decoding of code blocks one after another, for a BlockDecoder. `sizes(block)` is {coded bits,
/// bits of the message} of a code block of a frame; `one(block, soft, message)` decides one and
/// returns its BlockVerdict.
template <class Sizes, class One>
void decode_one_by_one(const CodeBlocks& blocks, std::span<const float> soft,
                       std::span<std::uint8_t> messages, std::span<BlockVerdict> verdicts,
                       const Sizes& sizes, const One& one) {
  std::size_t from = 0, to = 0;
  for (std::size_t b = 0; b < verdicts.size(); ++b) {
    const int block = blocks.in_frame(b);
    const auto [coded, bits] = sizes(block);
    verdicts[b] = one(block, soft.subspan(from, coded), messages.subspan(to, bits));
    from += coded;
    to += bits;
  }
}

/// Immutable: any number of threads share one.
class BlockCoder {
 public:
  virtual ~BlockCoder() = default;

  /// One code block of a frame: `message` to `coded`, of the sizes of that block.
  virtual void encode(int block, std::span<const std::uint8_t> message,
                      std::span<std::uint8_t> coded) const = 0;
  virtual std::unique_ptr<BlockDecoder> decoder(const DecoderSettings& settings) const = 0;
};

/// Rows of a table of losses (phy/transport/transport_loss.h) that a code is predicted from.
struct LossRows {
  std::string_view code;
  double rate = 0;
  int length = 0;  // of a code that comes in several, 0 of any other
};

/// Immutable: any number of threads share one.
class ChannelCode {
 public:
  virtual ~ChannelCode() = default;

  virtual std::string kind() const = 0;  // what rows call it: "ldpc"
  virtual std::string name() const = 0;  // behind the constellation: "1/2 ldpc 648"

  /// The code that a block of so many information bits goes through, with a CRC for each code block
  /// or without: this one, or one of several that it stands for and owns.
  virtual const ChannelCode& settled(std::int64_t /*bits*/, bool /*check*/) const { return *this; }

  // Of a settled code:

  /// A CRC that the code itself appends and checks, whether one is asked for or not. It counts as
  /// part of the message in every size; encode and decode see messages without it.
  virtual Crc own_crc() const { return no_crc; }
  /// The CRC of each code block where one is asked for and the code brings none itself, and one
  /// more behind the whole block, cut into code blocks with it.
  virtual Crc check_crc() const { return crc_16; }
  virtual Crc whole_crc() const { return no_crc; }
  /// Whether each code block fills whole symbols, whose bits the code orders itself: it takes
  /// coded_bits() rounded up to whole symbols, and nothing is interleaved over the whole block.
  virtual bool whole_symbols() const { return false; }
  /// Most bits of a message.
  virtual std::int64_t largest_message() const = 0;
  /// Coded bits of a message of 1 to largest_message() bits.
  virtual std::int64_t coded_bits(std::int64_t message) const = 0;
  /// The message that fills a code block, where the code has a length; 0 where it takes any.
  virtual std::int64_t full_message() const { return 0; }
  /// Whether its decoder counts iterations.
  virtual bool iterates() const { return false; }
  /// Throws Error where the sizes cannot be made.
  virtual std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const = 0;

  /// The probability that a code block with such a message is lost at this Es/N0 over AWGN: from
  /// rows of a table, or else in closed form, or else (neither is known) from the normal
  /// approximation.
  virtual std::optional<LossRows> loss_rows() const { return std::nullopt; }
  virtual std::optional<double> block_loss(std::int64_t /*message*/, Modulation /*modulation*/,
                                           double /*snr_db*/) const {
    return std::nullopt;
  }

  /// What decides its numbers, with versions: results made with others are run again.
  virtual std::vector<Component> components() const = 0;
};

using ChannelCodeRegistry = Registry<std::shared_ptr<const ChannelCode>>;
/// auto, none, convolutional, ldpc, nr-ldpc, polar, bch, and what else is added before the first
/// scenario is read.
ChannelCodeRegistry& channel_codes();

/// The CRC of each code block: the code's own, or check_crc() where one is asked for, or none.
Crc block_crc(const ChannelCode& settled, bool check);
/// Coded bits of a message on a constellation of so many bits a symbol.
std::int64_t coded_bits_on(const ChannelCode& settled, std::int64_t message, int width);

/// Smallest number of coded bits of a code block of 802.11n.
inline constexpr int shortest_ldpc = 648;

// The codes of this tree. A parameter that they do not have is a PartError at "/rate", "/length" or
// "/file".

/// LDPC at the rates of 802.11n where a code block of 648 coded bits is filled, polar at every
/// other rate and below.
std::shared_ptr<const ChannelCode> automatic_code(double rate = 0.5);
/// Bits as they are.
std::shared_ptr<const ChannelCode> no_code();
/// K = 7, rate 1/2 before its tail (convolutional_code.h).
std::shared_ptr<const ChannelCode> convolutional_code();
/// Of 802.11n: rate 1/2, 2/3, 3/4 or 5/6, length 648, 1296, 1944, or 0: the one that needs fewest
/// coded bits, of two the longer. Code blocks that are not full are shortened: zeros that both ends
/// know are not sent.
std::shared_ptr<const ChannelCode> ldpc_code(double rate = 0.5, int length = 0);
/// Of a file in MacKay's alist format; it throws as LdpcCode::from_alist does.
std::shared_ptr<const ChannelCode> ldpc_code_of_file(const std::string& path);
/// Of 5G NR (ldpc/nr_ldpc.h), rate between 1/64 and 0.95, the CRC of its code block included:
/// graph, CRCs and code blocks as TS 38.212 chooses them. The lowest rates repeat.
std::shared_ptr<const ChannelCode> nr_ldpc_code(double rate = 0.5);
/// Rate between 1/64 and 0.95, CRC of 11 bits included.
std::shared_ptr<const ChannelCode> polar_code(double rate = 0.5);

}  // namespace semwave
