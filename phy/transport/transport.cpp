#include "phy/transport/transport.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace semwave {
namespace {

constexpr float smallest_noise_variance =
    1e-6f;  // stands for none, so that likelihood ratios stay finite
constexpr float smallest_gain_power = 1e-12f;

}  // namespace

/// A decoder from the idle ones, given back at the end.
class Transport::Borrowed {
 public:
  explicit Borrowed(const Transport& owner) : owner_(owner) {
    {
      const std::lock_guard lock(owner.mutex_);
      if (!owner.idle_.empty()) {
        decoder_ = std::move(owner.idle_.back());
        owner.idle_.pop_back();
        return;
      }
    }
    decoder_ = owner.coder_->decoder(owner.decoding_.decoder);
  }
  ~Borrowed() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.idle_.push_back(std::move(decoder_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  BlockDecoder& operator*() { return *decoder_; }

 private:
  const Transport& owner_;
  std::unique_ptr<BlockDecoder> decoder_;
};

Transport::Transport(std::int64_t bits, const ModulationCoding& coding,
                     const TransportDecoding& decoding)
    : coding_(coding), layout_(lay_blocks(bits, coding_)), decoding_(decoding) {
  if (bits == 0) return;
  if (decoding.interleave && !layout_.code->whole_symbols())
    interleaver_ = std::make_unique<Interleaver>(static_cast<std::size_t>(layout_.coded_bits));
  coder_ = layout_.code->coder({.message = layout_.carried() / layout_.blocks + layout_.crc.bits,
                                .count = layout_.blocks,
                                .longer = static_cast<int>(layout_.carried() % layout_.blocks),
                                .width = bits_per_symbol(layout_.modulation)});
}

Transport::~Transport() = default;

Symbols Transport::encode(std::span<const std::uint8_t> bits) const {
  Bits air(air_bits());
  encode_bits(bits, air);
  return modulate(layout_.modulation, air);
}

void Transport::encode_bits(std::span<const std::uint8_t> bits, std::span<std::uint8_t> air) const {
  assert(bits.size() == this->bits() && air.size() == air_bits());
  const auto coded_bits = static_cast<std::size_t>(layout_.coded_bits);
  Bits stream(coded_bits), checked, whole;
  if (layout_.whole.bits > 0) {
    whole = append_crc(layout_.whole, bits);
    bits = whole;
  }
  std::size_t at = 0;
  for (int block = 0; block < layout_.blocks; ++block) {
    const std::span message = bits.subspan(static_cast<std::size_t>(layout_.block_start(block)),
                                           static_cast<std::size_t>(layout_.block_carried(block)));
    const std::span coded(stream.data() + at,
                          static_cast<std::size_t>(layout_.block_coded_bits(block)));
    at += coded.size();
    if (outer_crc_bits() > 0) {
      checked = append_crc(layout_.crc, message);
      coder_->encode(block, checked, coded);
    } else {
      coder_->encode(block, message, coded);
    }
  }
  assert(at == coded_bits);
  if (interleaver_)
    interleaver_->spread<std::uint8_t>(stream, air.first(coded_bits));
  else
    std::copy(stream.begin(), stream.end(), air.begin());
  std::fill(air.begin() + static_cast<std::ptrdiff_t>(coded_bits), air.end(), 0);
}

void Transport::demap(std::span<const std::complex<float>> y,
                      std::span<const std::complex<float>> gains,
                      std::span<const float> noise_variance, std::span<float> soft) const {
  assert(gains.size() == y.size() && noise_variance.size() == y.size());
  Symbols z(y.size());
  PooledVector<float> variance(y.size());
  for (std::size_t s = 0; s < y.size(); ++s) {
    // By hand: std::complex products test for NaN on every call.
    const float hr = gains[s].real(), hi = gains[s].imag(), power = hr * hr + hi * hi;
    if (power < smallest_gain_power) {
      z[s] = {};
      variance[s] = std::numeric_limits<float>::infinity();
      continue;
    }
    z[s] = {(hr * y[s].real() + hi * y[s].imag()) / power,
            (hr * y[s].imag() - hi * y[s].real()) / power};
    variance[s] = std::max(noise_variance[s], smallest_noise_variance) / power;
  }
  if (decoding_.exact)
    demap_exact(layout_.modulation, z, variance, soft);
  else
    semwave::demap(layout_.modulation, z, variance, soft);
}

void Transport::decode_soft(std::span<const float> soft, std::span<std::uint8_t> bits,
                            std::span<std::uint8_t> held,
                            std::span<std::int32_t> iterations) const {
  if (layout_.bits == 0) return;
  const std::size_t frames = held.size() / blocks(),
                    coded_bits = static_cast<std::size_t>(layout_.coded_bits);
  assert(soft.size() == frames * air_bits() && bits.size() == frames * this->bits() &&
         (iterations.empty() || iterations.size() == held.size()));
  PooledVector<float> coded(frames * coded_bits);
  for (std::size_t f = 0; f < frames; ++f) {
    const std::span from = soft.subspan(f * air_bits(), coded_bits);
    const std::span to(coded.data() + f * coded_bits, coded_bits);
    if (interleaver_)
      interleaver_->gather<float>(from, to);
    else
      std::copy(from.begin(), from.end(), to.begin());
  }

  // Without a CRC of this class messages are the information bits.
  const auto outer_bits = static_cast<std::size_t>(outer_crc_bits());
  const bool checks = outer_bits > 0 || layout_.whole.bits > 0;
  Bits with_crc(
      checks ? frames * static_cast<std::size_t>(layout_.carried()) + outer_bits * held.size() : 0);
  const std::span messages = checks ? std::span<std::uint8_t>(with_crc) : bits;
  PooledVector<BlockVerdict> verdicts(held.size());
  Borrowed decoder(*this);
  (*decoder).decode(coded, messages, verdicts);
  for (std::size_t b = 0; b < held.size(); ++b) {
    held[b] = verdicts[b].holds;
    if (!iterations.empty()) iterations[b] = verdicts[b].iterations;
  }
  if (checks) check(messages, bits, held);
}

/// Takes the CRCs off whole messages.
void Transport::check(std::span<const std::uint8_t> messages, std::span<std::uint8_t> bits,
                      std::span<std::uint8_t> held) const {
  const auto outer_bits = static_cast<std::size_t>(outer_crc_bits());
  Bits whole(static_cast<std::size_t>(layout_.carried()));
  std::size_t from = 0;
  for (std::size_t f = 0; f < held.size() / blocks(); ++f) {
    const std::span of_frame = held.subspan(f * blocks(), blocks());
    auto to = whole.begin();
    for (std::size_t b = 0; b < blocks(); ++b) {
      const auto length = static_cast<std::size_t>(layout_.block_carried(static_cast<int>(b)));
      const std::span checked = messages.subspan(from, length + outer_bits);
      to = std::copy_n(checked.begin(), length, to);
      if (outer_bits > 0) of_frame[b] = crc_holds(layout_.crc, checked);
      from += checked.size();
    }
    if (layout_.whole.bits > 0 && !crc_holds(layout_.whole, whole))
      std::fill(of_frame.begin(), of_frame.end(), std::uint8_t{0});
    std::copy_n(whole.begin(), this->bits(),
                bits.begin() + static_cast<std::ptrdiff_t>(f * this->bits()));
  }
}

void Transport::decode(std::span<const std::complex<float>> y,
                       std::span<const std::complex<float>> gains,
                       std::span<const float> noise_variance, std::span<std::uint8_t> bits,
                       std::span<std::uint8_t> held) const {
  PooledVector<float> soft(y.size() *
                           static_cast<std::size_t>(bits_per_symbol(layout_.modulation)));
  demap(y, gains, noise_variance, soft);
  decode_soft(soft, bits, held);
}

std::shared_ptr<const Transport> TransportCache::of(std::int64_t bits,
                                                    const ModulationCoding& coding, int key) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const Transport>& made = made_[{bits, key}];
  if (!made) {
    // Rare: more lengths than this in use. Whoever holds one keeps it.
    if (made_.size() > most) {
      made_.clear();
      return made_[{bits, key}] = std::make_shared<const Transport>(bits, coding, decoding_);
    }
    made = std::make_shared<const Transport>(bits, coding, decoding_);
  }
  return made;
}

}  // namespace semwave
