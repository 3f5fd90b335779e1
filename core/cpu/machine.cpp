#include "core/cpu/machine.h"

#include "core/cpu/normals.h"
#include "core/tensor/backend.h"

namespace semwave {
namespace cpu {

SEMWAVE_DECLARE_KERNEL(std::unique_ptr<Backend>, make_backend)
SEMWAVE_DECLARE_KERNEL(void, add_normals, float*, const float*, std::int64_t, const std::int32_t*,
                       std::uint32_t, const NormalKey&, float)

#if defined(__x86_64__)
bool runs_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#else
bool runs_avx2() {
  return false;
}
bool runs_avx512() {
  return false;
}
#endif

std::vector<AddNormals> add_normals_kernels() {
  return SEMWAVE_RUNNABLE(add_normals);
}

}  // namespace cpu

std::vector<std::unique_ptr<Backend>> make_cpu_backends() {
  using namespace cpu;
  std::vector<std::unique_ptr<Backend>> made;
  for (const auto make : SEMWAVE_RUNNABLE(make_backend)) made.push_back(make());
  return made;
}

std::unique_ptr<Backend> make_cpu_backend() {
  return std::move(make_cpu_backends().front());
}

}  // namespace semwave
