// Which instructions the kernels of this translation unit are compiled for: SEMWAVE_SIMD = 512
// (AVX-512), 256 (AVX2 with FMA) or 0 (whatever the compiler makes of vectors of 8 floats). A
// portable build compiles every kernel file once for each and chooses when it starts (machine.h);
// any other build has the one its compiler flags allow. The variant is part of every name, so that
// the three live in one program.
#pragma once

#if !defined(SEMWAVE_SIMD)
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512DQ__) && defined(__AVX512BW__)
#define SEMWAVE_SIMD 512
#elif defined(__AVX2__) && defined(__FMA__)
#define SEMWAVE_SIMD 256
#else
#define SEMWAVE_SIMD 0
#endif
#endif

#if SEMWAVE_SIMD == 512
#define SEMWAVE_VARIANT avx512
#elif SEMWAVE_SIMD == 256
#define SEMWAVE_VARIANT avx2
#else
#define SEMWAVE_VARIANT plain
#endif
