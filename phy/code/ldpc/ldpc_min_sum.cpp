// Min-sum over lanes of frames or of bits, compiled for each variant.
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
  /// At most one of them is negative: so ordered, floats are whole numbers, which compare faster.
  static Vector minimum(Vector a, Vector b) {
    return (Vector)((Mask)a < (Mask)b ? (Mask)a : (Mask)b);
  }
  static Vector maximum(Vector a, Vector b) {
    return (Vector)((Mask)a > (Mask)b ? (Mask)a : (Mask)b);
  }
  template <MinSumCorrection by>
  static Vector corrected(Vector a) {
    if constexpr (by == MinSumCorrection::factor) return a * min_sum_scale;
    return maximum(a - min_sum_offset, Vector{});
  }
  /// `a` >= 0 with the sign bit of `sign`.
  static Vector with_sign(Vector a, Vector sign) {
    return (Vector)((Word)a | ((Word)sign & sign_bit));
  }
  static Vector exclusive_or(Vector a, Vector b) { return (Vector)((Word)a ^ (Word)b); }
  static Mask negative(Vector a) { return a < 0; }
  static float quantised(float soft) { return soft; }
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
  template <MinSumCorrection by>
  static Vector corrected(Vector a) {
    if constexpr (by == MinSumCorrection::factor)  // 13/16 a, rounded
      return a - (Vector)(((Word)a + ((Word)a >> 1) + std::uint8_t{4}) >> 3);
    constexpr auto steps = static_cast<std::int8_t>(min_sum_offset * fixed_point_steps);
    return maximum(a - steps, Vector{});
  }
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

/// One check over all lanes: `read(e)` is the belief of its e-th bit, `write(e, belief)` what comes
/// of it; `message` [degree] what the check last said, nothing where it is `fresh`; `row` room for
/// as many.
template <class Lanes, MinSumCorrection correction, bool fresh = false, class Vector, class Read,
          class Write>
[[gnu::always_inline]] inline void update(int degree, Vector* __restrict message,
                                          Vector* __restrict row, const Read& read,
                                          const Write& write) {
  Vector smallest = Lanes::largest(), second = smallest, sign = {};
#pragma GCC unroll 2  // a quarter faster in float: the running values change places without moves
  for (int e = 0; e < degree; ++e) {
    const Vector belief = read(e), other = fresh ? belief : Lanes::subtract(belief, message[e]);
    row[e] = other;
    sign = Lanes::exclusive_or(sign, other);
    const Vector size = Lanes::magnitude(other);
    second = Lanes::minimum(second, Lanes::maximum(smallest, size));
    smallest = Lanes::minimum(smallest, size);
  }
  const Vector usual = Lanes::template corrected<correction>(smallest),
               for_smallest = Lanes::template corrected<correction>(second);
#pragma GCC unroll 2
  for (int e = 0; e < degree; ++e) {
    const Vector other = row[e];
    const Vector size = Lanes::magnitude(other) == smallest ? for_smallest : usual;
    const Vector sent = Lanes::with_sign(size, Lanes::exclusive_or(sign, other));
    message[e] = sent;
    write(e, Lanes::add(other, sent));
  }
}

template <class Lanes, MinSumCorrection correction>
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
      update<Lanes, correction>(
          degree, messages_ + begin, row, [&](int e) { return beliefs[column[e]]; },
          [&](int e, Vector belief) { beliefs[column[e]] = belief; });
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

/// Many bits of one frame a register.
template <class Lanes, MinSumCorrection correction>
class CirculantMinSum {
 public:
  using Vector = typename Lanes::Vector;
  using Number = typename Lanes::Number;

  explicit CirculantMinSum(const CirculantWork& work)
      : work_(work),
        chunks_(CirculantWork::chunks(work.lift, lanes)),
        beliefs_(reinterpret_cast<Number*>(work.beliefs)),
        messages_(reinterpret_cast<Vector*>(work.messages)),
        row_(reinterpret_cast<Vector*>(work.row)) {
    for (int i = 0; i < lanes; ++i) counted_[i] = static_cast<Number>(1);
  }

  void decode(const float* soft, std::uint8_t* codeword, LdpcOutcome* outcome) {
    take_in(soft);
    for (int iteration = 1; iteration <= work_.iterations; ++iteration) {
      if (iteration == 1)
        sweep<true>(work_.reads[0], work_.writes[0]);
      else
        sweep<false>(work_.reads[(iteration - 1) % 2], work_.writes[(iteration - 1) % 2]);
      places_ = work_.places[iteration % 2];
      const bool last = iteration == work_.iterations;
      if (!work_.stop_early && !last) continue;
      *outcome = {iteration, holds()};
      if (outcome->holds) break;
    }
    decide(codeword);
  }

 private:
  static constexpr int lanes = Lanes::count;

  static Vector load(const Number* from) {
    Vector loaded;
    std::memcpy(&loaded, from, sizeof loaded);
    return loaded;
  }
  /// The first register behind the column's end.
  void close(Number* column) const {
    const Vector first = load(column);
    std::memcpy(column + work_.lift, &first, sizeof first);
  }
  /// Bits of a column that the code has: all, but for the last column.
  int known(int column) const { return std::min(work_.lift, work_.length - column * work_.lift); }

  void take_in(const float* soft) {
    for (int c = 0; c < work_.column_count; ++c) {
      Number* const column = beliefs_ + work_.places[0][c];
      const float* const from = soft + c * work_.lift;
      const int first = work_.firsts[c], count = known(c), end = std::min(first, count);
      if (count < work_.lift) std::fill(column, column + work_.lift, Number{});
      for (int i = first; i < count; ++i) column[i - first] = Lanes::quantised(from[i]);
      for (int i = 0; i < end; ++i) column[work_.lift - first + i] = Lanes::quantised(from[i]);
      close(column);
    }
  }

  /// One iteration: every row of blocks once, in order.
  template <bool fresh>
  [[gnu::noinline]] void sweep(const std::int32_t* reads, const std::int32_t* writes) {
    Number* const beliefs = beliefs_;
    Vector* message = messages_;
    Vector* const row = row_;
    const int chunks = chunks_;
    for (int r = 0; r < work_.rows; ++r) {
      const int degree = work_.row_starts[r + 1] - work_.row_starts[r];
      Number* to = beliefs;
      for (int chunk = 0; chunk < chunks; ++chunk) {
        update<Lanes, correction, fresh>(
            degree, message, row, [&](int e) { return load(beliefs + reads[e]); },
            [&](int e, Vector made) { *reinterpret_cast<Vector*>(to + writes[e]) = made; });
        message += degree;
        reads += degree;
        to += lanes;
      }
      for (int e = 0; e < degree; ++e) close(beliefs + writes[e]);
      writes += degree;
    }
  }

  /// Whether the decisions satisfy every check.
  bool holds() const {
    for (int r = 0; r < work_.rows; ++r) {
      const int checks = std::min(work_.lift, work_.checks - r * work_.lift);
      for (int at = 0; at < checks; at += lanes) {
        typename Lanes::Mask parity = {};
        for (std::int32_t b = work_.row_starts[r]; b < work_.row_starts[r + 1]; ++b)
          parity ^= Lanes::negative(load(beliefs_ + place(b, at)));
        // Lanes beyond the last check say nothing.
        parity &= load(counted_ + lanes - std::min(lanes, checks - at)) != 0;
        std::uint64_t words[sizeof parity / 8], any = 0;
        std::memcpy(words, &parity, sizeof parity);
        for (const std::uint64_t word : words) any |= word;
        if (any != 0) return false;
      }
    }
    return true;
  }
  /// Where the bit of check `at` of its row stands that a block meets.
  int place(std::int32_t block, int at) const {
    const std::int32_t column = work_.columns[block];
    int bit = work_.shifts[block] + at - work_.firsts[column];
    if (bit < 0) bit += work_.lift;
    if (bit >= work_.lift) bit -= work_.lift;
    return places_[column] + bit;
  }

  void decide(std::uint8_t* codeword) const {
    for (int c = 0; c < work_.column_count; ++c) {
      const Number* const column = beliefs_ + places_[c];
      std::uint8_t* const bits = codeword + c * work_.lift;
      const int first = work_.firsts[c], count = known(c), end = std::min(first, count);
      for (int i = first; i < count; ++i) bits[i] = column[i - first] < 0;
      for (int i = 0; i < end; ++i) bits[i] = column[work_.lift - first + i] < 0;
    }
  }

  const CirculantWork work_;
  const int chunks_;
  Number* const beliefs_;
  Vector* const messages_;
  Vector* const row_;
  const std::int32_t* places_ = nullptr;   // of the columns, after the last iteration
  Number counted_[2 * Lanes::count] = {};  // as many ones, then as many zeros, as a register holds
};

template <class Lanes, MinSumCorrection correction>
void decode_circulant(const CirculantWork& work, const float* soft, std::uint8_t* codeword,
                      LdpcOutcome* outcome) {
  CirculantMinSum<Lanes, correction>(work).decode(soft, codeword, outcome);
}

template <class Lanes, MinSumCorrection correction>
void decode(const MinSumWork& work, const float* soft, int frames, std::uint8_t* codewords,
            LdpcOutcome* outcomes) {
  MinSum<Lanes, correction>(work).decode(soft, frames, codewords, outcomes);
}

template <class Lanes, MinSumCorrection correction>
constexpr MinSumFunctions functions{decode<Lanes, correction>, decode_circulant<Lanes, correction>};

}  // namespace

MinSumKernel min_sum_kernel() {
  constexpr auto factor = MinSumCorrection::factor, offset = MinSumCorrection::offset;
  return {register_bytes,
          {functions<FloatLanes, factor>, functions<FloatLanes, offset>},
          {functions<ByteLanes, factor>, functions<ByteLanes, offset>}};
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
