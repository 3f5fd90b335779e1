// The digital mode of the semantic pair: the reals of the tokens, quantised, as bits of one block
// over the air (transport.h) instead of I/Q amplitudes. Both ends make one of these from the same
// settings; what a receiver cannot know, the modulation and coding that the sender chose, goes in
// the header.
//
// A code block that is lost takes the tokens with it that have any bit in it: they count as not
// sent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "phy/digital/quantiser.h"
#include "phy/transport/transport.h"

namespace semwave {

struct DigitalSettings {
  Quantiser quantiser{4};
  /// None: the sender takes what needs fewest uses with a predicted loss of at most `largest_loss`,
  /// the most robust where nothing reaches it.
  std::optional<ModulationCoding> coding{};
  CodingList codings = CodingList::mixed;  // that it takes it from
  double largest_loss = largest_transport_loss;
  TransportDecoding decoding{};
};

/// Any thread.
class DigitalLink {
 public:
  explicit DigitalLink(DigitalSettings settings)
      : settings_(std::move(settings)), transports_(settings_.decoding) {}

  const Quantiser& quantiser() const { return settings_.quantiser; }
  /// Bits of a header for the choice of modulation and coding.
  int coding_bits() const { return settings_.coding ? 0 : modulation_coding_bits; }
  /// Largest number a header may name.
  bool knows(int coding) const {
    return settings_.coding ? coding == 0 : coding < static_cast<int>(list().size());
  }
  /// Bits of so many tokens of so many complex symbols.
  std::int64_t bits(int tokens, int symbols_per_token) const {
    return std::int64_t{2} * tokens * symbols_per_token * settings_.quantiser.bits();
  }
  /// The sender's choice for a block of so many bits; 0 where it was agreed.
  int choose(std::int64_t bits, double believed_snr_db) const {
    return settings_.coding || bits == 0
               ? 0
               : cheapest(bits, believed_snr_db, settings_.largest_loss, settings_.codings).index;
  }
  const ModulationCoding& coding(int index) const {
    return settings_.coding ? *settings_.coding : list()[static_cast<std::size_t>(index)];
  }
  std::int64_t uses(std::int64_t bits, int index) const {
    return transport_uses(bits, coding(index));
  }
  /// What the choice is from.
  CodingList codings() const { return settings_.codings; }
  /// Payload and parity of such a block.
  Ledger ledger(std::int64_t bits, int index) const;

  /// Values [2 tokens symbols_per_token], which fill a block of their bits, to symbols.
  Symbols send(std::span<const float> values, int index) const;

  struct Heard {
    PooledVector<float> values;       // as sent where their code block held
    PooledVector<std::uint8_t> held;  // [values] whether it did
  };
  Heard receive(std::span<const std::complex<float>> y, std::span<const std::complex<float>> gains,
                std::span<const float> noise_variance, std::int64_t bits, int index) const;

 private:
  const std::vector<ModulationCoding>& list() const {
    return modulation_codings(settings_.codings);
  }
  std::shared_ptr<const Transport> transport(std::int64_t bits, int index) const {
    return transports_.of(bits, coding(index), index);
  }

  DigitalSettings settings_;
  mutable TransportCache transports_;
};

}  // namespace semwave
