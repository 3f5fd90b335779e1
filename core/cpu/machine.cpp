// Which variant of the kernels this machine runs.
#include "core/backend.h"
#include "core/cpu/variant.h"

namespace semwave {
namespace cpu {

#if defined(SEMWAVE_CPU_DISPATCH)
namespace avx512 { std::unique_ptr<Backend> make_backend(); }
namespace avx2 { std::unique_ptr<Backend> make_backend(); }
namespace plain { std::unique_ptr<Backend> make_backend(); }
#else
inline namespace SEMWAVE_VARIANT { std::unique_ptr<Backend> make_backend(); }
#endif

}  // namespace cpu

std::vector<std::unique_ptr<Backend>> make_cpu_backends() {
  std::vector<std::unique_ptr<Backend>> made;
#if defined(SEMWAVE_CPU_DISPATCH)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    made.push_back(cpu::avx512::make_backend());
  if (avx2) made.push_back(cpu::avx2::make_backend());
  made.push_back(cpu::plain::make_backend());
#else
  made.push_back(cpu::make_backend());
#endif
  return made;
}

std::unique_ptr<Backend> make_cpu_backend() { return std::move(make_cpu_backends().front()); }

}  // namespace semwave
