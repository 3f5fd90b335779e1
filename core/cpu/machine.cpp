// Which variant of the kernels this machine runs.
#include "core/cpu/normals.h"
#include "core/cpu/variant.h"
#include "core/tensor/backend.h"

namespace semwave {
namespace cpu {

#if defined(SEMWAVE_CPU_DISPATCH)
namespace avx512 {
std::unique_ptr<Backend> make_backend();
void add_normals(float*, const float*, std::int64_t, const std::int32_t*, std::uint32_t,
                 const NormalKey&, float);
}  // namespace avx512
namespace avx2 {
std::unique_ptr<Backend> make_backend();
void add_normals(float*, const float*, std::int64_t, const std::int32_t*, std::uint32_t,
                 const NormalKey&, float);
}  // namespace avx2
namespace plain {
std::unique_ptr<Backend> make_backend();
void add_normals(float*, const float*, std::int64_t, const std::int32_t*, std::uint32_t,
                 const NormalKey&, float);
}  // namespace plain
#else
inline namespace SEMWAVE_VARIANT {
std::unique_ptr<Backend> make_backend();
}
#endif

#if defined(SEMWAVE_CPU_DISPATCH)
namespace {

bool runs_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi2");
}
bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}

}  // namespace
#endif

std::vector<AddNormals> add_normals_kernels() {
#if defined(SEMWAVE_CPU_DISPATCH)
  __builtin_cpu_init();
  std::vector<AddNormals> made;
  if (runs_avx512()) made.push_back(avx512::add_normals);
  if (runs_avx2()) made.push_back(avx2::add_normals);
  made.push_back(plain::add_normals);
  return made;
#else
  return {add_normals};
#endif
}

}  // namespace cpu

std::vector<std::unique_ptr<Backend>> make_cpu_backends() {
  std::vector<std::unique_ptr<Backend>> made;
#if defined(SEMWAVE_CPU_DISPATCH)
  __builtin_cpu_init();
  if (cpu::runs_avx512()) made.push_back(cpu::avx512::make_backend());
  if (cpu::runs_avx2()) made.push_back(cpu::avx2::make_backend());
  made.push_back(cpu::plain::make_backend());
#else
  made.push_back(cpu::make_backend());
#endif
  return made;
}

std::unique_ptr<Backend> make_cpu_backend() {
  return std::move(make_cpu_backends().front());
}

}  // namespace semwave
