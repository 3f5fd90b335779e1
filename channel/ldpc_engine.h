// What stands behind an LdpcDecoder, and the lanes that min-sum works in.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>

#include "channel/ldpc_decoder.h"
#include "core/list.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace semwave {

class LdpcDecoder::Engine {
 public:
  virtual ~Engine() = default;
  virtual int lanes() const = 0;
  /// At most lanes() frames.
  virtual void decode(const float* soft, int frames, std::uint8_t* codewords, LdpcOutcome* outcomes) = 0;
};

std::unique_ptr<LdpcDecoder::Engine> make_min_sum(const LdpcCode& code, const LdpcDecoding& decoding);
std::unique_ptr<LdpcDecoder::Engine> make_min_sum_fixed(const LdpcCode& code, const LdpcDecoding& decoding);
std::unique_ptr<LdpcDecoder::Engine> make_sum_product(const LdpcCode& code, const LdpcDecoding& decoding);

/// 16 frames in float.
struct FloatLanes {
  static constexpr int count = min_sum_lanes;
  using Number = float;
  typedef float Vector __attribute__((vector_size(64)));
  typedef std::int32_t Mask __attribute__((vector_size(64)));  // all ones or all zeros a lane
  typedef std::uint32_t Word __attribute__((vector_size(64)));

  static constexpr std::uint32_t sign_bit = 0x80000000u;
  static Vector largest() { return Vector{} + 3e38f; }
  static Vector subtract(Vector a, Vector b) { return a - b; }
  static Vector add(Vector a, Vector b) { return a + b; }
  static Vector magnitude(Vector a) { return (Vector)((Word)a & ~sign_bit); }
  static Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static Vector normalised(Vector a) { return a * min_sum_scale; }
  /// `a` >= 0 with the sign bit of `sign`.
  static Vector with_sign(Vector a, Vector sign) { return (Vector)((Word)a | ((Word)sign & sign_bit)); }
  static Vector exclusive_or(Vector a, Vector b) { return (Vector)((Word)a ^ (Word)b); }
  static Mask negative(Vector a) { return (Mask)a < 0; }
  static float quantised(float soft) { return soft; }
};

/// 64 frames in saturating bytes, -127 to 127 (-128 arises in sums and counts as -127 in magnitude).
struct ByteLanes {
  static constexpr int count = min_sum_fixed_lanes;
  using Number = std::int8_t;
  typedef std::int8_t Vector __attribute__((vector_size(64)));
  typedef std::int8_t Mask __attribute__((vector_size(64)));
  typedef std::uint8_t Word __attribute__((vector_size(64)));

  static Vector largest() { return Vector{} + std::int8_t{127}; }
  static Vector subtract(Vector a, Vector b) {
#if defined(__AVX512BW__)
    return (Vector)_mm512_subs_epi8((__m512i)a, (__m512i)b);
#else
    return by_parts<true>(a, b);
#endif
  }
  static Vector add(Vector a, Vector b) {
#if defined(__AVX512BW__)
    return (Vector)_mm512_adds_epi8((__m512i)a, (__m512i)b);
#else
    return by_parts<false>(a, b);
#endif
  }
  static Vector magnitude(Vector a) {
    const Vector b = maximum(a, Vector{} - std::int8_t{127});
    return maximum(b, -b);
  }
  static Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
  static Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
  static Vector normalised(Vector a) { return a - (Vector)(((Word)a + ((Word)a >> 1) + std::uint8_t{4}) >> 3); }  // 13/16 a, rounded
  static Vector with_sign(Vector a, Vector sign) {
    const Mask negated = sign < 0;
    return (a ^ negated) - negated;
  }
  static Vector exclusive_or(Vector a, Vector b) { return a ^ b; }
  static Mask negative(Vector a) { return a < 0; }
  static std::int8_t quantised(float soft) {
    float steps = soft * fixed_point_steps;
    steps = steps > fixed_point_limit ? fixed_point_limit : steps;
    steps = steps < -fixed_point_limit ? -fixed_point_limit : steps;
    return static_cast<std::int8_t>(static_cast<int>(steps + (steps < 0 ? -0.5f : 0.5f)));
  }

 private:
  template <bool difference>
  static Vector by_parts(Vector a, Vector b) {
    Vector result;
#if defined(__AVX2__)
    for (int i = 0; i < 2; ++i) {
      __m256i x, y;
      std::memcpy(&x, reinterpret_cast<const char*>(&a) + 32 * i, 32);
      std::memcpy(&y, reinterpret_cast<const char*>(&b) + 32 * i, 32);
      x = difference ? _mm256_subs_epi8(x, y) : _mm256_adds_epi8(x, y);
      std::memcpy(reinterpret_cast<char*>(&result) + 32 * i, &x, 32);
    }
#elif defined(__SSE2__)
    for (int i = 0; i < 4; ++i) {
      __m128i x, y;
      std::memcpy(&x, reinterpret_cast<const char*>(&a) + 16 * i, 16);
      std::memcpy(&y, reinterpret_cast<const char*>(&b) + 16 * i, 16);
      x = difference ? _mm_subs_epi8(x, y) : _mm_adds_epi8(x, y);
      std::memcpy(reinterpret_cast<char*>(&result) + 16 * i, &x, 16);
    }
#else
    for (int i = 0; i < count; ++i) result[i] = static_cast<std::int8_t>(std::clamp(difference ? a[i] - b[i] : a[i] + b[i], -128, 127));
#endif
    return result;
  }
};

}  // namespace semwave
