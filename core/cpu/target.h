// From here on the translation unit is compiled for its variant's machine (variant.h). The last of
// a kernel file's includes: of a header's inline function that several files hold the linker keeps
// any one, which must run everywhere. For the same reason a kernel works on plain arrays that its
// caller has made.
#pragma once

#include "core/cpu/variant.h"

#if SEMWAVE_SIMD > 0
#include <immintrin.h>
#endif

#if SEMWAVE_SIMD == 512 && !defined(__AVX512F__)
#pragma GCC target( \
    "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,bmi,bmi2,lzcnt,popcnt,prefer-vector-width=512")
#elif SEMWAVE_SIMD == 256 && !defined(__AVX2__)
#pragma GCC target("avx2,fma,bmi,bmi2,lzcnt,popcnt")
#endif

namespace semwave::cpu::inline SEMWAVE_VARIANT {

/// Of one register: what the compiler has in one piece, which it otherwise takes apart number by
/// number.
#if SEMWAVE_SIMD == 512
inline constexpr int register_bytes = 64;
#elif SEMWAVE_SIMD == 256
inline constexpr int register_bytes = 32;
#else
inline constexpr int register_bytes = 16;
#endif

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
