// Which variants of a kernel (variant.h) this machine runs. A kernel `name` is defined in a file of
// its own, in namespace semwave::cpu::inline SEMWAVE_VARIANT; the file that chooses declares it for
// every variant of the build, within semwave::cpu, and takes those that run here:
//
//   SEMWAVE_DECLARE_KERNEL(void, name, float* y, std::int64_t count)
//   static const auto kernel = SEMWAVE_RUNNABLE(name).front();
//
// The file stands in semwave_variants() of its room's CMakeLists.txt.
#pragma once

#include <vector>

#include "core/cpu/variant.h"

#if defined(SEMWAVE_CPU_DISPATCH)
#define SEMWAVE_DECLARE_KERNEL(Result, name, ...) \
  namespace avx512 {                              \
  Result name(__VA_ARGS__);                       \
  }                                               \
  namespace avx2 {                                \
  Result name(__VA_ARGS__);                       \
  }                                               \
  inline namespace plain {                        \
  Result name(__VA_ARGS__);                       \
  }
#define SEMWAVE_RUNNABLE(name) ::semwave::cpu::runnable(avx512::name, avx2::name, plain::name)
#else
#define SEMWAVE_DECLARE_KERNEL(Result, name, ...) \
  inline namespace SEMWAVE_VARIANT {              \
  Result name(__VA_ARGS__);                       \
  }
#define SEMWAVE_RUNNABLE(name) \
  std::vector {                \
    &SEMWAVE_VARIANT::name     \
  }
#endif

namespace semwave::cpu {

bool runs_avx512();  // with all that the variant is compiled for
bool runs_avx2();

/// The best first.
template <class Kernel>
std::vector<Kernel*> runnable(Kernel& avx512, Kernel& avx2, Kernel& plain) {
  std::vector<Kernel*> made;
  if (runs_avx512()) made.push_back(&avx512);
  if (runs_avx2()) made.push_back(&avx2);
  made.push_back(&plain);
  return made;
}

}  // namespace semwave::cpu
