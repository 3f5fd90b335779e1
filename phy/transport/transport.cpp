#include "phy/transport/transport.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "phy/code/convolutional_code.h"

namespace semwave {
namespace {

constexpr float smallest_noise_variance =
    1e-6f;  // stands for none, so that likelihood ratios stay finite
constexpr float smallest_gain_power = 1e-12f;
constexpr float certain = 1e6f;  // soft bit of a zero that both ends know

}  // namespace

/// What one decoding thread needs.
struct Transport::Decoders {
  std::unique_ptr<LdpcDecoder> ldpc;
  std::unique_ptr<PolarDecoder> polar[2];
};

/// Decoders from the idle ones, given back at the end.
class Transport::Borrowed {
 public:
  explicit Borrowed(const Transport& owner) : owner_(owner) {
    {
      const std::lock_guard lock(owner.mutex_);
      if (!owner.idle_.empty()) {
        decoders_ = std::move(owner.idle_.back());
        owner.idle_.pop_back();
        return;
      }
    }
    decoders_ = std::make_unique<Decoders>();
    if (owner.layout_.ldpc)
      decoders_->ldpc = std::make_unique<LdpcDecoder>(owner.layout_.ldpc, owner.decoding_.ldpc);
    for (int longer = 0; longer < 2; ++longer)
      if (owner.polar_[longer])
        decoders_->polar[longer] =
            std::make_unique<PolarDecoder>(owner.polar_[longer], owner.decoding_.list);
  }
  ~Borrowed() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.idle_.push_back(std::move(decoders_));
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;

  Decoders& operator*() { return *decoders_; }

 private:
  const Transport& owner_;
  std::unique_ptr<Decoders> decoders_;
};

Transport::Transport(std::int64_t bits, const ModulationCoding& coding,
                     const TransportDecoding& decoding)
    : layout_(lay_blocks(bits, coding)), decoding_(decoding) {
  if (bits == 0) return;
  if (decoding.interleave)
    interleaver_ = std::make_unique<Interleaver>(static_cast<std::size_t>(layout_.coded_bits));
  if (layout_.coding.code != ChannelCode::polar) return;
  const auto polar = [&](std::int64_t information) {
    return std::make_shared<const PolarCode>(static_cast<int>(information),
                                             static_cast<int>(layout_.coded_bits_of(information)),
                                             layout_.crc);
  };
  polar_[0] = polar(layout_.bits / layout_.blocks);
  if (layout_.bits % layout_.blocks != 0) polar_[1] = polar(layout_.bits / layout_.blocks + 1);
}

Transport::~Transport() = default;

Symbols Transport::encode(std::span<const std::uint8_t> bits) const {
  Bits air(air_bits());
  encode_bits(bits, air);
  return modulate(layout_.coding.modulation, air);
}

void Transport::encode_bits(std::span<const std::uint8_t> bits, std::span<std::uint8_t> air) const {
  assert(bits.size() == this->bits() && air.size() == air_bits());
  const auto coded_bits = static_cast<std::size_t>(layout_.coded_bits);
  Bits stream(coded_bits), checked, codeword;
  std::size_t at = 0;
  for (int block = 0; block < layout_.blocks; ++block) {
    const std::span message = bits.subspan(static_cast<std::size_t>(layout_.block_start(block)),
                                           static_cast<std::size_t>(layout_.block_bits(block)));
    const std::span coded(stream.data() + at,
                          static_cast<std::size_t>(layout_.block_coded_bits(block)));
    at += coded.size();
    if (layout_.coding.code == ChannelCode::polar) {
      polar_[block < layout_.bits % layout_.blocks]->encode(message, coded);
      continue;
    }
    checked.assign(message.begin(), message.end());
    if (layout_.crc.bits > 0) checked = append_crc(layout_.crc, message);
    if (layout_.coding.code == ChannelCode::none) {
      std::copy(checked.begin(), checked.end(), coded.begin());
    } else if (layout_.coding.code == ChannelCode::convolutional) {
      const Bits made = convolutional_encode(checked);
      std::copy(made.begin(), made.end(), coded.begin());
    } else {
      // Zeros fill the message up to the code's; those of them that are information positions are
      // not sent.
      const LdpcCode& code = *layout_.ldpc;
      const std::size_t sent = checked.size();
      checked.resize(static_cast<std::size_t>(code.information()), 0);
      codeword.resize(static_cast<std::size_t>(code.length()));
      code.encode(checked, codeword);
      const auto positions = code.information_positions();
      std::size_t to = 0, unsent = sent;
      for (std::size_t c = 0; c < codeword.size(); ++c) {
        if (unsent < positions.size() && positions[unsent] == static_cast<std::int32_t>(c))
          ++unsent;
        else
          coded[to++] = codeword[c];
      }
      assert(to == coded.size());
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
    demap_exact(layout_.coding.modulation, z, variance, soft);
  else
    semwave::demap(layout_.coding.modulation, z, variance, soft);
}

bool Transport::take_checked(std::span<const std::uint8_t> checked,
                             std::span<std::uint8_t> bits) const {
  std::copy_n(checked.begin(), bits.size(), bits.begin());
  return layout_.crc.bits == 0 ||
         crc_holds(layout_.crc,
                   checked.first(bits.size() + static_cast<std::size_t>(layout_.crc.bits)));
}

void Transport::decode_ldpc(Decoders& decoders, std::span<const float> coded,
                            std::span<std::uint8_t> bits, std::span<std::uint8_t> held,
                            std::span<std::int32_t> iterations) const {
  const LdpcCode& code = *layout_.ldpc;
  const auto n = static_cast<std::size_t>(code.length());
  const std::size_t count = held.size(), blocks = this->blocks();
  PooledVector<float> soft(count * n);
  const auto positions = code.information_positions();
  std::size_t from = 0;
  for (std::size_t f = 0; f < count; ++f) {
    auto unsent = static_cast<std::size_t>(layout_.block_bits(static_cast<int>(f % blocks)) +
                                           layout_.crc.bits);
    float* const codeword = soft.data() + f * n;
    for (std::size_t c = 0; c < n; ++c) {
      const bool known =
          unsent < positions.size() && positions[unsent] == static_cast<std::int32_t>(c);
      codeword[c] = known ? certain : coded[from++];
      unsent += known;
    }
  }
  assert(from == coded.size());
  Bits codewords(count * n), checked(static_cast<std::size_t>(code.information()));
  PooledVector<LdpcOutcome> outcomes(count);
  decoders.ldpc->decode(soft, codewords, outcomes);
  std::size_t to = 0;
  for (std::size_t f = 0; f < count; ++f) {
    code.extract({codewords.data() + f * n, n}, checked);
    const auto length = static_cast<std::size_t>(layout_.block_bits(static_cast<int>(f % blocks)));
    const bool holds = take_checked(checked, bits.subspan(to, length));
    held[f] = layout_.crc.bits > 0 ? holds : outcomes[f].holds;
    if (!iterations.empty()) iterations[f] = outcomes[f].iterations;
    to += length;
  }
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
  std::fill(iterations.begin(), iterations.end(), 0);
  Borrowed decoders(*this);
  if (layout_.coding.code == ChannelCode::ldpc)
    return decode_ldpc(*decoders, coded, bits, held, iterations);
  std::size_t from = 0, to = 0;
  for (std::size_t b = 0; b < held.size(); ++b) {
    const int block = static_cast<int>(b % blocks());
    const std::span message = bits.subspan(to, static_cast<std::size_t>(layout_.block_bits(block)));
    const std::span heard(coded.data() + from,
                          static_cast<std::size_t>(layout_.block_coded_bits(block)));
    from += heard.size();
    to += message.size();
    if (layout_.coding.code == ChannelCode::polar) {
      held[b] = (*decoders).polar[block < layout_.bits % layout_.blocks]->decode(heard, message);
    } else {
      const Bits checked =
          layout_.coding.code == ChannelCode::convolutional
              ? viterbi_decode(heard, message.size() + static_cast<std::size_t>(layout_.crc.bits))
              : hard_decisions(heard);
      held[b] = take_checked(checked, message);
    }
  }
}

void Transport::decode(std::span<const std::complex<float>> y,
                       std::span<const std::complex<float>> gains,
                       std::span<const float> noise_variance, std::span<std::uint8_t> bits,
                       std::span<std::uint8_t> held) const {
  PooledVector<float> soft(y.size() *
                           static_cast<std::size_t>(bits_per_symbol(layout_.coding.modulation)));
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
