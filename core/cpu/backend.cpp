// Memory of the CPU backend.
#include "core/cpu/backend.h"

#include "core/cpu/memory.h"
#include "core/cpu/vector.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

std::size_t bytes_of(const Tensor& x) {
  return static_cast<std::size_t>(x.size()) * sizeof(float);
}

}  // namespace

std::string CpuBackend::name() const {
  const char* variant = SEMWAVE_SIMD == 512   ? "AVX-512"
                        : SEMWAVE_SIMD == 256 ? "AVX2"
                                              : "no particular instructions";
  return "cpu, " + std::string(variant) + ", vectors of " + std::to_string(vector_width) +
         " floats";
}

Tensor CpuBackend::empty(Shape shape) {
  const std::size_t bytes = static_cast<std::size_t>(shape.size()) * sizeof(float);
  Tensor made(make_buffer(bytes), shape);
#if !defined(NDEBUG)
  std::fill_n(made.data(), made.size(),
              std::numeric_limits<float>::quiet_NaN());  // so that a missing write shows
#endif
  return made;
}

Tensor CpuBackend::zeros(Shape shape) {
  Tensor made(make_buffer(static_cast<std::size_t>(shape.size()) * sizeof(float)), shape);
  std::memset(made.data(), 0, bytes_of(made));
  return made;
}

Tensor CpuBackend::from_host(Shape shape, const float* values) {
  Tensor made = empty(shape);
  if (made.size() > 0) std::memcpy(made.data(), values, bytes_of(made));
  return made;
}

void CpuBackend::to_host(const Tensor& tensor, float* values) const {
  if (tensor.size() > 0) std::memcpy(values, tensor.data(), bytes_of(tensor));
}

void CpuBackend::copy(const Tensor& to, const Tensor& from) {
  assert(to.size() == from.size());
  if (to.size() > 0) std::memcpy(to.data(), from.data(), bytes_of(to));
}

void CpuBackend::fill(const Tensor& x, float value) {
  std::fill_n(x.data(), x.size(), value);
}

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CpuBackend>();
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
