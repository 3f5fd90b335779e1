// The min-sum decoder over lanes of frames, and the choice between the algorithms.
#include "channel/ldpc_decoder.h"

#include <cassert>
#include <cmath>

#include "channel/ldpc_engine.h"

namespace semwave {
namespace {

/// Rows of `count` numbers become columns: to[c][lane] = from[lane][c]. Eight by eight, so that both sides are read in pieces of cache lines.
template <class To, class From, class Convert>
void lay_in_lanes(const From* from, std::size_t columns, int rows, int lanes, To* to, Convert convert) {
  constexpr std::size_t tile = 16;
  for (std::size_t c = 0; c < columns; c += tile) {
    const std::size_t width = std::min(tile, columns - c);
    for (int r = 0; r < rows; ++r)
      for (std::size_t i = 0; i < width; ++i)
        to[(c + i) * static_cast<std::size_t>(lanes) + static_cast<std::size_t>(r)] = convert(from[static_cast<std::size_t>(r) * columns + c + i]);
  }
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
        decisions_(static_cast<std::size_t>(code.length())),
        row_(static_cast<std::size_t>(code.largest_row())) {}

  int lanes() const override { return Lanes::count; }

  void decode(const float* soft, int frames, std::uint8_t* codewords, LdpcOutcome* outcomes) override {
    const auto length = static_cast<std::size_t>(code_.length());
    if (frames < Lanes::count) std::fill(beliefs_.begin(), beliefs_.end(), Vector{});
    lay_in_lanes(soft, length, frames, Lanes::count, reinterpret_cast<Number*>(beliefs_.data()), Lanes::quantised);
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
        for (std::size_t c = 0; c < length; ++c) decisions_[c] = closing ? Lanes::negative(beliefs_[c]) : decisions_[c];
      open = open & ~closing;
      if (!any_open) break;
    }
    const auto* decided = reinterpret_cast<const Number*>(decisions_.data());
    constexpr std::size_t tile = 16;
    for (std::size_t c = 0; c < length; c += tile)
      for (int f = 0; f < frames; ++f)
        for (std::size_t i = c; i < std::min(c + tile, length); ++i)
          codewords[static_cast<std::size_t>(f) * length + i] = is_set(decided, i * Lanes::count + static_cast<std::size_t>(f));
  }

 private:
  static std::uint8_t is_set(const Number* decided, std::size_t at) {
    std::int8_t byte;  // masks are all ones or all zeros, any byte of a lane tells
    std::memcpy(&byte, reinterpret_cast<const char*>(decided + at), 1);
    return static_cast<std::uint8_t>(byte & 1);
  }

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
      for (std::int32_t e = starts[check]; e < starts[check + 1]; ++e) parity ^= Lanes::negative(beliefs_[static_cast<std::size_t>(columns[e])]);
      fails |= parity;
    }
    return fails;
  }

  const LdpcCode& code_;
  LdpcDecoding decoding_;
  List<Vector> beliefs_;    // [n] likelihood ratio of each bit
  List<Vector> messages_;   // [edges] what each check last said
  List<Mask> decisions_;    // [n] of frames that are done
  List<Vector> row_;        // beliefs of one check's bits without its own word
};

}  // namespace

std::unique_ptr<LdpcDecoder::Engine> make_min_sum(const LdpcCode& code, const LdpcDecoding& decoding) {
  return std::make_unique<MinSum<FloatLanes>>(code, decoding);
}

std::unique_ptr<LdpcDecoder::Engine> make_min_sum_fixed(const LdpcCode& code, const LdpcDecoding& decoding) {
  return std::make_unique<MinSum<ByteLanes>>(code, decoding);
}

LdpcDecoder::LdpcDecoder(std::shared_ptr<const LdpcCode> code, const LdpcDecoding& decoding) : code_(std::move(code)) {
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

int LdpcDecoder::lanes() const { return engine_->lanes(); }

void LdpcDecoder::decode(std::span<const float> soft, std::span<std::uint8_t> codewords, std::span<LdpcOutcome> outcomes) {
  const auto length = static_cast<std::size_t>(code_->length());
  assert(soft.size() == outcomes.size() * length && codewords.size() == soft.size());
  const auto step = static_cast<std::size_t>(lanes());
  for (std::size_t f = 0; f < outcomes.size(); f += step)
    engine_->decode(soft.data() + f * length, static_cast<int>(std::min(step, outcomes.size() - f)), codewords.data() + f * length, outcomes.data() + f);
}

}  // namespace semwave
