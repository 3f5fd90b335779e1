// The min-sum decoder over lanes of frames, and the choice between the algorithms.
#include "phy/code/ldpc/ldpc_decoder.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "phy/code/ldpc/ldpc_engine.h"

namespace semwave {
namespace {

static_assert(std::endian::native == std::endian::little,
              "bytes are transposed eight at a time in registers");

/// Eight words of eight bytes, byte c of word r to byte r of word c.
void transpose(std::uint64_t (&x)[8]) {
  constexpr std::uint64_t masks[] = {0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};
  for (int stage = 0; stage < 3; ++stage) {
    const int apart = 1 << stage;
    for (int i = 0; i < 8; ++i) {
      if (i & apart) continue;
      const std::uint64_t swapped = ((x[i] >> (8 * apart)) ^ x[i + apart]) & masks[stage];
      x[i + apart] ^= swapped;
      x[i] ^= swapped << (8 * apart);
    }
  }
}

/// from [rows, columns] to the first `rows` of each column of to [columns, lanes].
template <std::size_t lanes, class Number>
void lay_in_lanes(const Number* from, std::size_t columns, int rows, Number* to) {
  const auto row_count = static_cast<std::size_t>(rows);
  std::size_t whole = 0;
  if constexpr (sizeof(Number) == 1) {
    whole = columns / 8 * 8;
    for (std::size_t r = 0; r < row_count; r += 8)
      for (std::size_t c = 0; c < whole; c += 8) {
        std::uint64_t x[8] = {};
        for (std::size_t i = 0; i < std::min<std::size_t>(8, row_count - r); ++i)
          std::memcpy(&x[i], from + (r + i) * columns + c, 8);
        transpose(x);
        for (std::size_t i = 0; i < 8; ++i) std::memcpy(to + (c + i) * lanes + r, &x[i], 8);
      }
  }
  constexpr std::size_t tile = 16;  // both sides in whole cache lines
  for (std::size_t c = whole; c < columns; c += tile)
    for (std::size_t r = 0; r < row_count; ++r)
      for (std::size_t i = c; i < std::min(c + tile, columns); ++i)
        to[i * lanes + r] = from[r * columns + i];
}

/// The way back, of bytes: masks [columns, lanes] to bits [rows, columns].
template <std::size_t lanes>
void take_from_lanes(const std::int8_t* from, std::size_t columns, int rows, std::uint8_t* to) {
  const auto row_count = static_cast<std::size_t>(rows);
  const std::size_t whole = columns / 8 * 8;
  for (std::size_t r = 0; r < row_count; r += 8)
    for (std::size_t c = 0; c < whole; c += 8) {
      std::uint64_t x[8];
      for (std::size_t i = 0; i < 8; ++i) {
        x[i] = 0;
        std::memcpy(&x[i], from + (c + i) * lanes + r, std::min<std::size_t>(8, lanes));
      }
      transpose(x);
      for (std::size_t i = 0; i < std::min<std::size_t>(8, row_count - r); ++i) {
        x[i] &= 0x0101010101010101;
        std::memcpy(to + (r + i) * columns + c, &x[i], 8);
      }
    }
  for (std::size_t c = whole; c < columns; ++c)
    for (std::size_t r = 0; r < row_count; ++r)
      to[r * columns + c] = static_cast<std::uint8_t>(from[c * lanes + r] & 1);
}

template <class Lanes>
class MinSum final : public LdpcDecoder::Engine {
 public:
  using Vector = typename Lanes::Vector;
  using Mask = typename Lanes::Mask;
  using Number = typename Lanes::Number;

  MinSum(const LdpcCode& code, const LdpcDecoding& decoding)
      : code_(code),
        decoding_(decoding),
        beliefs_(static_cast<std::size_t>(code.length())),
        messages_(code.columns().size()),
        quantised_(sizeof(Number) == 1 ? static_cast<std::size_t>(code.length()) * Lanes::count
                                       : 0),
        decisions_(static_cast<std::size_t>(code.length())),
        row_(static_cast<std::size_t>(code.largest_row())) {}

  int lanes() const override { return Lanes::count; }

  void decode(const float* __restrict soft, int frames, std::uint8_t* codewords,
              LdpcOutcome* outcomes) override {
    const auto length = static_cast<std::size_t>(code_.length());
    if (frames < Lanes::count) std::fill(beliefs_.begin(), beliefs_.end(), Vector{});
    auto* const laid = reinterpret_cast<Number*>(beliefs_.data());
    if constexpr (sizeof(Number) == 1) {
      const std::size_t count = length * static_cast<std::size_t>(frames);
      std::int8_t* __restrict const quantised =
          quantised_.data();  // bytes alias everything: say that these do not
      for (std::size_t i = 0; i < count; ++i) quantised[i] = Lanes::quantised(soft[i]);
      lay_in_lanes<Lanes::count>(quantised_.data(), length, frames, laid);
    } else {
      lay_in_lanes<Lanes::count>(soft, length, frames, laid);
    }
    std::fill(messages_.begin(), messages_.end(), Vector{});
    Mask open = {};  // frames still at work
    for (int f = 0; f < frames; ++f) open[f] = -1;

    for (int iteration = 1; iteration <= decoding_.iterations; ++iteration) {
      sweep();
      const bool last = iteration == decoding_.iterations;
      if (!decoding_.stop_early && !last) continue;
      const Mask fails = failing();
      const Mask closing = last ? open : open & ~fails;
      bool any_closing = false, any_open = false;
      for (int f = 0; f < frames; ++f) {
        if (closing[f]) outcomes[f] = {iteration, !fails[f]};
        any_closing = any_closing || closing[f];
        any_open = any_open || (open[f] && !closing[f]);
      }
      if (any_closing)
        for (std::size_t c = 0; c < length; ++c)
          decisions_[c] = __builtin_convertvector(
              closing ? Lanes::negative(beliefs_[c]) : __builtin_convertvector(decisions_[c], Mask),
              Decision);
      open = open & ~closing;
      if (!any_open) break;
    }
    take_from_lanes<Lanes::count>(reinterpret_cast<const std::int8_t*>(decisions_.data()), length,
                                  frames, codewords);
  }

 private:
  using Decision = typename Lanes::Decision;

  /// One iteration: every check once, in order.
  void sweep() {
    const std::int32_t* starts = code_.row_starts().data();
    const std::int32_t* columns = code_.columns().data();
    Vector* const beliefs = beliefs_.data();
    Vector* const row = row_.data();
    const int checks = code_.checks();
    for (int check = 0; check < checks; ++check) {
      const std::int32_t begin = starts[check];
      const int degree = starts[check + 1] - begin;
      const std::int32_t* const column = columns + begin;
      Vector* const message = messages_.data() + begin;
      Vector smallest = Lanes::largest(), second = smallest, sign = {};
      for (int e = 0; e < degree; ++e) {
        const Vector other = Lanes::subtract(beliefs[column[e]], message[e]);
        row[e] = other;
        sign = Lanes::exclusive_or(sign, other);
        const Vector size = Lanes::magnitude(other);
        second = Lanes::minimum(second, Lanes::maximum(smallest, size));
        smallest = Lanes::minimum(smallest, size);
      }
      const Vector usual = Lanes::normalised(smallest), for_smallest = Lanes::normalised(second);
      for (int e = 0; e < degree; ++e) {
        const Vector other = row[e];
        const Vector size = Lanes::magnitude(other) == smallest ? for_smallest : usual;
        const Vector sent = Lanes::with_sign(size, Lanes::exclusive_or(sign, other));
        message[e] = sent;
        beliefs[column[e]] = Lanes::add(other, sent);
      }
    }
  }

  /// The frames whose decisions break a check.
  Mask failing() const {
    const std::int32_t* starts = code_.row_starts().data();
    const std::int32_t* columns = code_.columns().data();
    Mask fails = {};
    for (int check = 0; check < code_.checks(); ++check) {
      Mask parity = {};
      for (std::int32_t e = starts[check]; e < starts[check + 1]; ++e)
        parity ^= Lanes::negative(beliefs_[static_cast<std::size_t>(columns[e])]);
      fails |= parity;
    }
    return fails;
  }

  const LdpcCode& code_;
  LdpcDecoding decoding_;
  PooledVector<Vector> beliefs_;      // [n] likelihood ratio of each bit
  PooledVector<Vector> messages_;     // [edges] what each check last said
  PooledVector<Number> quantised_;    // [frames, n] on their way into the lanes
  PooledVector<Decision> decisions_;  // [n] of frames that are done, a byte each
  PooledVector<Vector> row_;          // beliefs of one check's bits without its own word
};

}  // namespace

std::unique_ptr<LdpcDecoder::Engine> make_min_sum(const LdpcCode& code,
                                                  const LdpcDecoding& decoding) {
  return std::make_unique<MinSum<FloatLanes>>(code, decoding);
}

std::unique_ptr<LdpcDecoder::Engine> make_min_sum_fixed(const LdpcCode& code,
                                                        const LdpcDecoding& decoding) {
  return std::make_unique<MinSum<ByteLanes>>(code, decoding);
}

LdpcDecoder::LdpcDecoder(std::shared_ptr<const LdpcCode> code, const LdpcDecoding& decoding)
    : code_(std::move(code)) {
  assert(decoding.iterations >= 1);
  switch (decoding.algorithm) {
    case LdpcAlgorithm::min_sum:
      engine_ = make_min_sum(*code_, decoding);
      break;
    case LdpcAlgorithm::min_sum_fixed:
      engine_ = make_min_sum_fixed(*code_, decoding);
      break;
    case LdpcAlgorithm::sum_product:
      engine_ = make_sum_product(*code_, decoding);
      break;
  }
}

LdpcDecoder::~LdpcDecoder() = default;
LdpcDecoder::LdpcDecoder(LdpcDecoder&&) noexcept = default;
LdpcDecoder& LdpcDecoder::operator=(LdpcDecoder&&) noexcept = default;

int LdpcDecoder::lanes() const {
  return engine_->lanes();
}

void LdpcDecoder::decode(std::span<const float> soft, std::span<std::uint8_t> codewords,
                         std::span<LdpcOutcome> outcomes) {
  const auto length = static_cast<std::size_t>(code_->length());
  assert(soft.size() == outcomes.size() * length && codewords.size() == soft.size());
  const auto step = static_cast<std::size_t>(lanes());
  for (std::size_t f = 0; f < outcomes.size(); f += step)
    engine_->decode(soft.data() + f * length, static_cast<int>(std::min(step, outcomes.size() - f)),
                    codewords.data() + f * length, outcomes.data() + f);
}

}  // namespace semwave
