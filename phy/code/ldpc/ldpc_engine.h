// What stands behind an LdpcDecoder, and the lanes that min-sum works in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/base/pooled_vector.h"
#include "phy/code/ldpc/ldpc_decoder.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace semwave {

class LdpcDecoder::Engine {
 public:
  virtual ~Engine() = default;
  virtual int lanes() const = 0;
  /// At most lanes() frames.
  virtual void decode(const float* soft, int frames, std::uint8_t* codewords,
                      LdpcOutcome* outcomes) = 0;
};

std::unique_ptr<LdpcDecoder::Engine> make_min_sum(const LdpcCode& code,
                                                  const LdpcDecoding& decoding);
std::unique_ptr<LdpcDecoder::Engine> make_min_sum_fixed(const LdpcCode& code,
                                                        const LdpcDecoding& decoding);
std::unique_ptr<LdpcDecoder::Engine> make_sum_product(const LdpcCode& code,
                                                      const LdpcDecoding& decoding);

/// One register: what the compiler has in one piece, which it otherwise takes apart number by
/// number. Results do not depend on it.
#if defined(__AVX512BW__)
inline constexpr int lane_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int lane_bytes = 32;
#else
inline constexpr int lane_bytes = 16;
#endif

/// As many frames in float as a register holds.
struct FloatLanes {
  static constexpr int count = lane_bytes / 4;
  using Number = float;
  typedef float Vector __attribute__((vector_size(lane_bytes)));
  typedef std::int32_t Mask
      __attribute__((vector_size(lane_bytes)));  // all ones or all zeros a lane
  typedef std::uint32_t Word __attribute__((vector_size(lane_bytes)));
  typedef std::int8_t Decision __attribute__((vector_size(lane_bytes / 4)));  // a mask in bytes

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
  static constexpr int count = lane_bytes;
  using Number = std::int8_t;
  typedef std::int8_t Vector __attribute__((vector_size(lane_bytes)));
  typedef std::int8_t Mask __attribute__((vector_size(lane_bytes)));
  typedef std::uint8_t Word __attribute__((vector_size(lane_bytes)));
  typedef Mask Decision;

  static Vector largest() { return Vector{} + std::int8_t{127}; }
  static Vector subtract(Vector a, Vector b) {
#if defined(__AVX512BW__)
    return (Vector)_mm512_subs_epi8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Vector)_mm256_subs_epi8((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Vector)_mm_subs_epi8((__m128i)a, (__m128i)b);
#else
    for (int i = 0; i < count; ++i)
      a[i] = static_cast<std::int8_t>(std::clamp(a[i] - b[i], -128, 127));
    return a;
#endif
  }
  static Vector add(Vector a, Vector b) {
#if defined(__AVX512BW__)
    return (Vector)_mm512_adds_epi8((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
    return (Vector)_mm256_adds_epi8((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (Vector)_mm_adds_epi8((__m128i)a, (__m128i)b);
#else
    for (int i = 0; i < count; ++i)
      a[i] = static_cast<std::int8_t>(std::clamp(a[i] + b[i], -128, 127));
    return a;
#endif
  }
  static Vector magnitude(Vector a) {
    const Vector b = maximum(a, Vector{} - std::int8_t{127});
    return maximum(b, -b);
  }
  static Vector minimum(Vector a, Vector b) {
    return a < b ? a : b;
  }
  static Vector maximum(Vector a, Vector b) {
    return a > b ? a : b;
  }
  static Vector normalised(Vector a) {
    return a - (Vector)(((Word)a + ((Word)a >> 1) + std::uint8_t{4}) >> 3);
  }  // 13/16 a, rounded
  static Vector with_sign(Vector a, Vector sign) {
    const Mask negated = sign < 0;
    return (a ^ negated) - negated;
  }
  static Vector exclusive_or(Vector a, Vector b) {
    return a ^ b;
  }
  static Mask negative(Vector a) {
    return a < 0;
  }
  static std::int8_t quantised(float soft) {
    const float steps =
        std::min(std::max(soft * fixed_point_steps, -fixed_point_limit), fixed_point_limit);
    return static_cast<std::int8_t>(static_cast<int>(steps + std::copysign(0.5f, steps)));
  }
};

}  // namespace semwave
