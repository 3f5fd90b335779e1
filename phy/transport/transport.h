// A block of information bits on the air and back: CRCs, channel code, interleaver, constellation,
// as modulation_coding.h lays them out.
//
//   bits -> code blocks, each with its CRC -> code -> interleaved over the whole block -> zeros
//   that fill the last symbol -> constellation
//
// A code that fills whole symbols orders the bits of each code block itself instead
// (ChannelCode::whole_symbols).
//
// Without bits there is nothing on air. Immutable: any number of threads may use one; each decoding
// thread borrows decoders from it, which are made when first needed and kept.
#pragma once

#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/base/pooled_vector.h"
#include "phy/code/decoder_settings.h"
#include "phy/code/interleaver.h"
#include "phy/transport/modulation_coding.h"

namespace semwave {

struct TransportDecoding {
  bool exact = false;  // exact soft bits; else max-log
  DecoderSettings decoder{};
  bool interleave = true;  // over the whole block, unless the code does it
};

class Transport {
 public:
  Transport(std::int64_t bits, const ModulationCoding& coding,
            const TransportDecoding& decoding = {});
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  const BlockLayout& layout() const { return layout_; }
  std::size_t bits() const { return static_cast<std::size_t>(layout_.bits); }
  std::size_t uses() const { return static_cast<std::size_t>(layout_.uses); }
  std::size_t blocks() const { return static_cast<std::size_t>(layout_.blocks); }
  std::size_t air_bits() const {
    return uses() * static_cast<std::size_t>(bits_per_symbol(layout_.modulation));
  }

  /// `bits` [bits()] to unit-power symbols [uses()].
  Symbols encode(std::span<const std::uint8_t> bits) const;
  /// The same up to the constellation: what its symbols carry, [air_bits()].
  void encode_bits(std::span<const std::uint8_t> bits, std::span<std::uint8_t> air) const;

  /// Frames one after another: symbols y = h x + n [frames x uses()] with their gains and noise
  /// variances (0 is read as very small; a gain of zero says nothing) to decisions `bits` [frames x
  /// bits()] and, for each code block, whether its CRC holds: `held` [frames x blocks()]. None
  /// holds where a CRC behind the whole block does not. Without a CRC, what the code itself can
  /// tell (an LDPC codeword satisfies every check); else always 1. Many frames at once are faster
  /// than one by one; results are the same.
  void decode(std::span<const std::complex<float>> y, std::span<const std::complex<float>> gains,
              std::span<const float> noise_variance, std::span<std::uint8_t> bits,
              std::span<std::uint8_t> held) const;

  /// Its two steps: soft bits as they come from the constellation, [frames x air_bits()], log P(0)
  /// - log P(1) ...
  void demap(std::span<const std::complex<float>> y, std::span<const std::complex<float>> gains,
             std::span<const float> noise_variance, std::span<float> soft) const;
  /// ... and the decisions from them. `iterations` [frames x blocks()] of a code that iterates, or
  /// empty.
  void decode_soft(std::span<const float> soft, std::span<std::uint8_t> bits,
                   std::span<std::uint8_t> held, std::span<std::int32_t> iterations = {}) const;

 private:
  class Borrowed;
  void check(std::span<const std::uint8_t> messages, std::span<std::uint8_t> bits,
             std::span<std::uint8_t> held) const;
  /// Bits of the CRC that this class appends and checks: 0 where there is none, or it is the
  /// code's.
  int outer_crc_bits() const { return layout_.code->own_crc().bits > 0 ? 0 : layout_.crc.bits; }

  ModulationCoding coding_;
  BlockLayout layout_;
  TransportDecoding decoding_;
  std::unique_ptr<Interleaver> interleaver_;
  std::unique_ptr<const BlockCoder> coder_;  // null without bits
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<BlockDecoder>> idle_;
};

/// Transports that are used again and again, by their bits and coding. Any thread. Beyond 256 of
/// them all are forgotten and made anew.
class TransportCache {
 public:
  explicit TransportCache(TransportDecoding decoding = {}) : decoding_(decoding) {}
  /// `index` in a list; one cache always sees the same list.
  std::shared_ptr<const Transport> of(std::int64_t bits, int index, CodingList list) {
    return of(bits, modulation_codings(list)[static_cast<std::size_t>(index)], index);
  }
  /// `key` stands for `coding`, which one cache always sees with the same key.
  std::shared_ptr<const Transport> of(std::int64_t bits, const ModulationCoding& coding, int key);

 private:
  static constexpr std::size_t most = 256;
  TransportDecoding decoding_;
  std::mutex mutex_;
  std::map<std::pair<std::int64_t, int>, std::shared_ptr<const Transport>> made_;
};

}  // namespace semwave
