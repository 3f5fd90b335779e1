// Encoder and soft Viterbi decoder of the (133, 171) code, and what it is as a channel code.
#include "phy/code/convolutional_code.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <utility>
#include <vector>

#include "phy/code/channel_code.h"
#include "phy/code/code_rate.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr unsigned generator_a = 0133, generator_b = 0171;  // the newest bit is the highest
constexpr int states = 64;                                  // the last six bits, newest highest

constexpr std::uint8_t parity(unsigned word) {
  return static_cast<std::uint8_t>(std::popcount(word) & 1);
}

/// Signs with which the two soft bits of a step count for butterfly j (from state 2j with bit 0):
/// +1 where the coded bit is 0. Both generators tap the newest and the oldest bit, so the other
/// three branches of a butterfly have the same signs or all of them flipped.
struct Signs {
  constexpr Signs() {
    for (unsigned j = 0; j < states / 2; ++j) {
      a[j] = parity(2 * j & generator_a) ? -1.0f : 1.0f;
      b[j] = parity(2 * j & generator_b) ? -1.0f : 1.0f;
    }
  }
  std::array<float, states / 2> a{}, b{};
};
constexpr Signs signs;

}  // namespace

Bits convolutional_encode(std::span<const std::uint8_t> bits) {
  Bits coded;
  coded.reserve(coded_length(bits.size()));
  unsigned state = 0;
  for (std::size_t i = 0; i < bits.size() + code_tail_bits; ++i) {
    const unsigned window = (i < bits.size() ? static_cast<unsigned>(bits[i]) << 6 : 0u) | state;
    coded.push_back(parity(window & generator_a));
    coded.push_back(parity(window & generator_b));
    state = window >> 1;
  }
  return coded;
}

Bits viterbi_decode(std::span<const float> soft, std::size_t bits) {
  assert(soft.size() == coded_length(bits));
  const std::size_t steps = bits + code_tail_bits;
  PooledVector<std::uint8_t> from_odd(
      steps * states);  // 1 where the better predecessor of a state was the odd one
  // Even and odd predecessors in arrays of their own, so that a butterfly is a loop over adjacent
  // numbers.
  std::array<float, states / 2> even, odd, low, high;
  constexpr float impossible = -1e30f;
  even.fill(impossible);
  odd.fill(impossible);
  even[0] = 0;
  for (std::size_t t = 0; t < steps; ++t) {
    const float la = soft[2 * t], lb = soft[2 * t + 1];
    std::uint8_t* decision = from_odd.data() + t * states;
    for (std::size_t j = 0; j < states / 2; ++j) {
      const float metric = signs.a[j] * la + signs.b[j] * lb;
      const float stay_even = even[j] + metric, stay_odd = odd[j] - metric;
      const float step_even = even[j] - metric, step_odd = odd[j] + metric;
      low[j] = stay_odd > stay_even ? stay_odd : stay_even;   // next state j: bit 0 came
      high[j] = step_odd > step_even ? step_odd : step_even;  // next state j + 32: bit 1 came
      decision[j] = stay_odd > stay_even;
      decision[j + states / 2] = step_odd > step_even;
    }
    for (std::size_t j = 0; j < states / 4; ++j) {
      even[j] = low[2 * j];
      odd[j] = low[2 * j + 1];
      even[j + states / 4] = high[2 * j];
      odd[j + states / 4] = high[2 * j + 1];
    }
  }
  Bits decoded(bits);
  std::size_t state = 0;  // where the tail ends
  for (std::size_t t = steps; t-- > 0;) {
    if (t < bits) decoded[t] = static_cast<std::uint8_t>(state >> 5);
    state = ((state & 31) << 1) | from_odd[t * states + state];
  }
  return decoded;
}

namespace {

constexpr std::int64_t largest_convolutional = 1024;  // message of a code block

class ConvolutionalDecoder final : public BlockDecoder {
 public:
  explicit ConvolutionalDecoder(const CodeBlocks& blocks) : blocks_(blocks) {}

  void decode(std::span<const float> soft, std::span<std::uint8_t> messages,
              std::span<BlockVerdict> verdicts) override {
    decode_one_by_one(
        blocks_, soft, messages, verdicts,
        [&](int block) {
          const auto bits = static_cast<std::size_t>(blocks_.message_bits(block));
          return std::pair(coded_length(bits), bits);
        },
        [](int, std::span<const float> heard, std::span<std::uint8_t> message) {
          const Bits decided = viterbi_decode(heard, message.size());
          std::copy(decided.begin(), decided.end(), message.begin());
          return BlockVerdict{};
        });
  }

 private:
  CodeBlocks blocks_;
};

class ConvolutionalCoder final : public BlockCoder {
 public:
  explicit ConvolutionalCoder(const CodeBlocks& blocks) : blocks_(blocks) {}

  void encode(int, std::span<const std::uint8_t> message,
              std::span<std::uint8_t> coded) const override {
    const Bits made = convolutional_encode(message);
    std::copy(made.begin(), made.end(), coded.begin());
  }
  std::unique_ptr<BlockDecoder> decoder(const DecoderSettings&) const override {
    return std::make_unique<ConvolutionalDecoder>(blocks_);
  }

 private:
  CodeBlocks blocks_;
};

class ConvolutionalCode final : public ChannelCode {
 public:
  std::string kind() const override { return "convolutional"; }
  std::string name() const override { return rate_name(0.5) + " convolutional"; }
  std::int64_t largest_message() const override { return largest_convolutional; }
  std::int64_t coded_bits(std::int64_t message) const override {
    return static_cast<std::int64_t>(coded_length(static_cast<std::size_t>(message)));
  }
  std::unique_ptr<BlockCoder> coder(const CodeBlocks& blocks) const override {
    return std::make_unique<ConvolutionalCoder>(blocks);
  }
  std::optional<LossRows> loss_rows() const override { return LossRows{"convolutional", 0.5}; }
  std::vector<Component> components() const override {
    return {component_of(part::convolutional_code)};
  }
};

}  // namespace

std::shared_ptr<const ChannelCode> convolutional_code() {
  static const auto code = std::make_shared<const ConvolutionalCode>();
  return code;
}

}  // namespace semwave
