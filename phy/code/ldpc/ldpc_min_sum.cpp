// Min-sum over lanes of frames, compiled for each variant.
#include "phy/code/ldpc/ldpc_min_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "core/cpu/target.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
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

/// As many frames in float as a register holds.
struct FloatLanes {
  static constexpr int count = register_bytes / 4;
  using Number = float;
  typedef float Vector __attribute__((vector_size(register_bytes)));
  typedef std::int32_t Mask
      __attribute__((vector_size(register_bytes)));  // all ones or all zeros a lane
  typedef std::uint32_t Word __attribute__((vector_size(register_bytes)));
  typedef std::int8_t Decision __attribute__((vector_size(register_bytes / 4)));  // a mask in bytes

  static constexpr std::uint32_t sign_bit = 0x80000000u;
  static Vector largest() { return Vector{} + 3e38f; }
  static Vector subtract(Vector a, Vector b) { return a - b; }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector magnitude(Vector a) { return (Vector)((Word)a & ~sign_bit); }
  static Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static Vector normalised(Vector a) { return a * min_sum_scale; }
  /// `a` >= 0 with the sign bit of `sign`.
  static Vector with_sign(Vector a, Vector sign) {
    return (Vector)((Word)a | ((Word)sign & sign_bit));
  }
  static Vector exclusive_or(Vector a, Vector b) { return (Vector)((Word)a ^ (Word)b); }
  static Mask negative(Vector a) { return a < 0; }
};

/// As many in saturating bytes, -127 to 127 (-128 arises in sums and counts as -127 in magnitude).
struct ByteLanes {
  static constexpr int count = register_bytes;
  using Number = std::int8_t;
  typedef std::int8_t Vector __attribute__((vector_size(register_bytes)));
  typedef std::int8_t Mask __attribute__((vector_size(register_bytes)));
  typedef std::uint8_t Word __attribute__((vector_size(register_bytes)));
  typedef Mask Decision;

  static Vector largest() { return Vector{} + std::int8_t{127}; }
  static Vector subtract(Vector a, Vector b) { return saturated<true>(a, b); }
  static Vector add(Vector a, Vector b) { return saturated<false>(a, b); }
  static Vector magnitude(Vector a) {
    const Vector b = maximum(a, Vector{} - std::int8_t{127});
    return maximum(b, -b);
  }
  static Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static Vector normalised(Vector a) {
    return a - (Vector)(((Word)a + ((Word)a >> 1) + std::uint8_t{4}) >> 3);
  }  // 13/16 a, rounded
  static Vector with_sign(Vector a, Vector sign) {
    const Mask negated = sign < 0;
    return (a ^ negated) - negated;
  }
  static Vector exclusive_or(Vector a, Vector b) { return a ^ b; }
  static Mask negative(Vector a) { return a < 0; }
  static std::int8_t quantised(float soft) {
    const float steps =
        std::min(std::max(soft * fixed_point_steps, -fixed_point_limit), fixed_point_limit);
    return static_cast<std::int8_t>(static_cast<int>(steps + std::copysign(0.5f, steps)));
  }

 private:
  /// a - b or a + b.
  template <bool minus>
  static Vector saturated(Vector a, Vector b) {
#if SEMWAVE_SIMD == 512
    const auto x = (__m512i)a, y = (__m512i)b;
    return (Vector)(minus ? _mm512_subs_epi8(x, y) : _mm512_adds_epi8(x, y));
#elif SEMWAVE_SIMD == 256
    const auto x = (__m256i)a, y = (__m256i)b;
    return (Vector)(minus ? _mm256_subs_epi8(x, y) : _mm256_adds_epi8(x, y));
#elif defined(__SSE2__)
    const auto x = (__m128i)a, y = (__m128i)b;
    return (Vector)(minus ? _mm_subs_epi8(x, y) : _mm_adds_epi8(x, y));
#else
    for (int i = 0; i < count; ++i)
      a[i] = static_cast<std::int8_t>(std::clamp(minus ? a[i] - b[i] : a[i] + b[i], -128, 127));
    return a;
#endif
  }
};

template <class Lanes>
class MinSum {
 public:
  using Vector = typename Lanes::Vector;
  using Mask = typename Lanes::Mask;
  using Number = typename Lanes::Number;

  explicit MinSum(const MinSumWork& work)
      : work_(work),
        beliefs_(reinterpret_cast<Vector*>(work.beliefs)),
        messages_(reinterpret_cast<Vector*>(work.messages)),
        row_(reinterpret_cast<Vector*>(work.row)),
        decisions_(reinterpret_cast<Decision*>(work.decisions)) {}

  void decode(const float* soft, int frames, std::uint8_t* codewords, LdpcOutcome* outcomes) {
    take_in(soft, frames);
    Mask open = {};  // frames still at work
    for (int f = 0; f < frames; ++f) open[f] = -1;

    for (int iteration = 1; iteration <= work_.iterations; ++iteration) {
      sweep();
      const bool last = iteration == work_.iterations;
      if (!work_.stop_early && !last) continue;
      const Mask fails = failing();
      const Mask closing = last ? open : open & ~fails;
      bool any_closing = false, any_open = false;
      for (int f = 0; f < frames; ++f) {
        if (closing[f]) outcomes[f] = {iteration, !fails[f]};
        any_closing = any_closing || closing[f];
        any_open = any_open || (open[f] && !closing[f]);
      }
      if (any_closing) decide(closing);
      open = open & ~closing;
      if (!any_open) break;
    }
    take_from_lanes<Lanes::count>(reinterpret_cast<const std::int8_t*>(decisions_),
                                  static_cast<std::size_t>(work_.length), frames, codewords);
  }

 private:
  using Decision = typename Lanes::Decision;

  /// Soft bits into the lanes; nothing said yet.
  void take_in(const float* __restrict soft, int frames) {
    const auto length = static_cast<std::size_t>(work_.length);
    if (frames < Lanes::count)
      for (std::size_t c = 0; c < length; ++c) beliefs_[c] = Vector{};
    auto* const laid = reinterpret_cast<Number*>(beliefs_);
    if constexpr (sizeof(Number) == 1) {
      const std::size_t count = length * static_cast<std::size_t>(frames);
      auto* __restrict const quantised = reinterpret_cast<std::int8_t*>(
          work_.quantised);  // bytes alias everything: say that these do not
      for (std::size_t i = 0; i < count; ++i) quantised[i] = Lanes::quantised(soft[i]);
      lay_in_lanes<Lanes::count>(static_cast<const std::int8_t*>(quantised), length, frames, laid);
    } else {
      lay_in_lanes<Lanes::count>(soft, length, frames, laid);
    }
    const std::int32_t edges = work_.row_starts[work_.checks];
    for (std::int32_t e = 0; e < edges; ++e) messages_[e] = Vector{};
  }

  /// The decisions of the frames that close now.
  void decide(Mask closing) {
    for (int c = 0; c < work_.length; ++c)
      decisions_[c] = __builtin_convertvector(
          closing ? Lanes::negative(beliefs_[c]) : __builtin_convertvector(decisions_[c], Mask),
          Decision);
  }

  /// One iteration: every check once, in order. By itself, its pointers stay in registers.
  [[gnu::noinline]] void sweep() {
    const std::int32_t* starts = work_.row_starts;
    const std::int32_t* columns = work_.columns;
    Vector* const beliefs = beliefs_;
    Vector* const __restrict row = row_;
    const int checks = work_.checks;
    for (int check = 0; check < checks; ++check) {
      const std::int32_t begin = starts[check];
      const int degree = starts[check + 1] - begin;
      const std::int32_t* const column = columns + begin;
      Vector* const __restrict message = messages_ + begin;
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
    const std::int32_t* starts = work_.row_starts;
    const std::int32_t* columns = work_.columns;
    Mask fails = {};
    for (int check = 0; check < work_.checks; ++check) {
      Mask parity = {};
      for (std::int32_t e = starts[check]; e < starts[check + 1]; ++e)
        parity ^= Lanes::negative(beliefs_[columns[e]]);
      fails |= parity;
    }
    return fails;
  }

  const MinSumWork work_;
  Vector* const beliefs_;
  Vector* const messages_;
  Vector* const row_;
  Decision* const decisions_;
};

template <class Lanes>
void decode(const MinSumWork& work, const float* soft, int frames, std::uint8_t* codewords,
            LdpcOutcome* outcomes) {
  MinSum<Lanes>(work).decode(soft, frames, codewords, outcomes);
}

}  // namespace

MinSumKernel min_sum_kernel() {
  return {register_bytes, decode<FloatLanes>, decode<ByteLanes>};
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
