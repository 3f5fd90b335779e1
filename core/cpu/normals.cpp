// Complex normal draws many at a time: Philox4x32-10 (Salmon et al., SC 2011) on whole registers,
// then Box and Muller's transform (1958) with the polynomials below. What a draw is depends on its
// counter alone: remainders are worked on in a register that is only partly used.
//
// Philox multiplies 32-bit words to 64 bits, which machines do on the lower halves of 64-bit lanes.
// So a register's worth of draws is held in two halves, the even draws in the low and the odd ones
// in the high words of the 32-bit view; that is also how I and Q interleave.
#include "core/cpu/normals.h"

#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

constexpr int half_width = vector_width / 2;

typedef std::uint32_t WordVector __attribute__((vector_size(vector_width * sizeof(std::uint32_t))));
typedef std::uint64_t LongVector __attribute__((vector_size(vector_width * sizeof(std::uint32_t))));

/// Products of the low words of each lane with a word.
inline LongVector multiply(LongVector x, std::uint32_t factor) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<LongVector>(_mm512_maskz_mul_epu32(
      0xff, reinterpret_cast<__m512i>(x), _mm512_set1_epi32(static_cast<int>(factor))));
#elif SEMWAVE_SIMD == 256
  return reinterpret_cast<LongVector>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(x), _mm256_set1_epi32(static_cast<int>(factor))));
#else
  return (x & 0xffffffffu) * factor;
#endif
}

/// The low words of `first` to the even lanes, those of `second` to the odd ones.
inline WordVector interleave(LongVector first, LongVector second) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<WordVector>(_mm512_mask_shuffle_epi32(
      reinterpret_cast<__m512i>(first), 0xAAAA, reinterpret_cast<__m512i>(second), _MM_PERM_CCAA));
#else
  return reinterpret_cast<WordVector>((first & 0xffffffffu) | (second << 32));
#endif
}

constexpr int rounds = 10;
constexpr std::uint32_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u, step0 = 0x9E3779B9u,
                        step1 = 0xBB67AE85u;

/// What all draws of a call share: the round keys, and the words of the first two rounds that do
/// not depend on the place.
struct Schedule {
  explicit Schedule(const NormalKey& key) {
    std::uint32_t k0 = static_cast<std::uint32_t>(key.seed),
                  k1 = static_cast<std::uint32_t>(key.seed >> 32);
    const LongVector none{};
    const std::uint64_t first = std::uint64_t{m1} * key.image;
    const std::uint64_t second =
        std::uint64_t{m0} * (static_cast<std::uint32_t>(first >> 32) ^ key.visit ^ k0);
    into_c2 = none + (key.purpose ^ k1);
    k0 += step0, k1 += step1;
    from_c1 = none + (static_cast<std::uint32_t>(first) ^ k0);
    from_c0 = none + (static_cast<std::uint32_t>(second >> 32) ^ k1);
    c3 = none + static_cast<std::uint32_t>(second);
    for (int round = 2; round < rounds; ++round) {
      k0 += step0, k1 += step1;
      key0[round] = none + k0;
      key1[round] = none + k1;
    }
  }
  LongVector into_c2, from_c1, from_c0, c3;
  LongVector key0[rounds], key1[rounds];
};

/// Words 0 and 1 of the draws of one half.
struct Words {
  LongVector w0, w1;
};

inline Words philox(LongVector place, const Schedule& shared) {
  LongVector product0 = multiply(place, m0);
  LongVector product1 = multiply((product0 >> 32) ^ shared.into_c2, m1);
  LongVector c0 = (product1 >> 32) ^ shared.from_c1, c1 = product1, c2 = product0 ^ shared.from_c0,
             c3 = shared.c3;
#pragma GCC unroll 8
  for (int round = 2; round < rounds; ++round) {
    product1 = multiply(c2, m1);
    if (round + 1 < rounds) {  // words 2 and 3 of the last round are not asked for
      product0 = multiply(c0, m0);
      c2 = (product0 >> 32) ^ c3 ^ shared.key1[round];
      c3 = product0;
    }
    c0 = (product1 >> 32) ^ c1 ^ shared.key0[round];
    c1 = product1;
  }
  return {c0, c1};
}

inline Vector to_float(WordVector words) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<Vector>(
      _mm512_maskz_cvtepu32_ps(0xffff, reinterpret_cast<__m512i>(words)));
#else
  // Two exact halves, one rounding.
  return __builtin_convertvector(reinterpret_cast<IntVector>(words >> 16), Vector) * 0x1p16f +
         __builtin_convertvector(reinterpret_cast<IntVector>(words & 0xffffu), Vector);
#endif
}

inline Vector square_root(Vector x) {
#if SEMWAVE_SIMD == 512
  return reinterpret_cast<Vector>(_mm512_maskz_sqrt_ps(0xffff, reinterpret_cast<__m512>(x)));
#elif SEMWAVE_SIMD == 256
  return reinterpret_cast<Vector>(_mm256_sqrt_ps(reinterpret_cast<__m256>(x)));
#else
  Vector root;
  for (int lane = 0; lane < vector_width; ++lane) root[lane] = __builtin_sqrtf(x[lane]);
  return root;
#endif
}

/// -ln((w + 1/2) 2^-32), relative error below 3e-7. u = 2^e m with m from 2/3 to 4/3; near 1, where
/// u says little, 1 - u is taken from the complement of the word.
inline Vector minus_log_uniform(WordVector words) {
  const Vector u = to_float(words) + 0.5f;
  const IntVector bits = reinterpret_cast<IntVector>(u), exponent = (bits - 0x3f2aaaab) >> 23;
  const Vector m = reinterpret_cast<Vector>(bits - (exponent << 23));
  const Vector below_one = (to_float(~words) + 0.5f) * -0x1p-32f;
  const Vector x = exponent == 32 ? below_one : m - 1.0f;
  // log1p(x) = x - x^2/2 + x^3 p(x), p minimax over [-1/3, 1/3].
  Vector p = broadcast(0.138201355f);
  p = multiply_add(p, x, broadcast(-0.151221904f));
  p = multiply_add(p, x, broadcast(0.140423284f));
  p = multiply_add(p, x, broadcast(-0.16472325f));
  p = multiply_add(p, x, broadcast(0.200079185f));
  p = multiply_add(p, x, broadcast(-0.250042378f));
  p = multiply_add(p, x, broadcast(0.33333266f));
  const Vector square = x * x;
  p = multiply_add(p * x, square, square * -0.5f) + x;
  return multiply_add(__builtin_convertvector(32 - exponent, Vector), broadcast(0.693147181f), -p);
}

/// deviation sqrt(-ln u0) exp(2 pi j u1)
inline void normals(WordVector w0, WordVector w1, float deviation, Vector& re, Vector& im) {
  const Vector radius = square_root(minus_log_uniform(w0)) * deviation;
  // The angle is q quarter turns and x in [-pi/4, pi/4].
  const WordVector turned = w1 + 0x20000000u;
  const IntVector rest = reinterpret_cast<IntVector>(turned & 0x3fffffffu) - 0x20000000;
  const Vector x = (__builtin_convertvector(rest, Vector) + 0.5f) * 0x1.921fb6p-30f;
  const Vector square = x * x;
  Vector sine = multiply_add(broadcast(-0.000195152821f), square, broadcast(0.00833216075f));
  sine = multiply_add(sine, square, broadcast(-0.166666546f));
  sine = multiply_add(sine * square, x, x);
  Vector cosine = multiply_add(broadcast(2.44384497e-05f), square, broadcast(-0.00138873675f));
  cosine = multiply_add(cosine, square, broadcast(0.0416666469f));
  cosine = multiply_add(cosine * square, square,
                        multiply_add(square, broadcast(-0.5f), broadcast(1.0f)));
  const IntVector odd = reinterpret_cast<IntVector>(turned << 1) >> 31;  // q is odd
  const WordVector sign_re = (turned + 0x40000000u) & 0x80000000u, sign_im = turned & 0x80000000u;
  re = radius *
       reinterpret_cast<Vector>(reinterpret_cast<WordVector>(odd ? sine : cosine) ^ sign_re);
  im = radius *
       reinterpret_cast<Vector>(reinterpret_cast<WordVector>(odd ? cosine : sine) ^ sign_im);
}

/// I/Q of the even lanes, then of the odd ones.
inline void spread(Vector re, Vector im, Vector& first, Vector& second) {
  const LongVector i = reinterpret_cast<LongVector>(re), q = reinterpret_cast<LongVector>(im);
  first = reinterpret_cast<Vector>((i & 0xffffffffu) | (q << 32));
  second = reinterpret_cast<Vector>((i >> 32) | (q & 0xffffffff00000000u));
}

/// Draws of one register: the places of its two halves.
inline void draw(LongVector first_places, LongVector second_places, const Schedule& shared,
                 float deviation, Vector& first, Vector& second) {
  const Words a = philox(first_places, shared), b = philox(second_places, shared);
  Vector re, im;
  normals(interleave(a.w0, b.w0), interleave(a.w1, b.w1), deviation, re, im);
  spread(re, im, first, second);
}

}  // namespace

void add_normals(float* y, const float* x, std::int64_t count, const std::int32_t* places,
                 std::uint32_t first_place, const NormalKey& key, float deviation) {
  const Schedule shared(key);
  LongVector along;
  for (int lane = 0; lane < half_width; ++lane) along[lane] = static_cast<std::uint64_t>(lane);
  for (std::int64_t at = 0; at < count; at += vector_width) {
    LongVector a, b;
    const auto here = std::min<std::int64_t>(vector_width, count - at);
    if (!places) {
      a = along + (first_place + static_cast<std::uint64_t>(at));
      b = a + static_cast<std::uint64_t>(half_width);
    } else {
      std::int32_t taken[vector_width] = {};
      std::memcpy(taken, places + at, static_cast<std::size_t>(here) * sizeof(std::int32_t));
      for (int lane = 0; lane < half_width; ++lane) {
        a[lane] = static_cast<std::uint32_t>(taken[lane]);
        b[lane] = static_cast<std::uint32_t>(taken[half_width + lane]);
      }
    }
    Vector first, second;
    draw(a, b, shared, deviation, first, second);
    float* to = y + 2 * at;
    const float* from = x + 2 * at;
    if (here == vector_width) {
      store(to, load(from) + first);
      store(to + vector_width, load(from + vector_width) + second);
      continue;
    }
    const std::int64_t left = 2 * here, head = std::min<std::int64_t>(left, vector_width);
    store_partial(to, load_partial(from, head) + first, head);
    if (left > head)
      store_partial(to + vector_width, load_partial(from + vector_width, left - head) + second,
                    left - head);
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
