#include "core/cpu/complex_normals.h"

#include <cassert>

#include "core/cpu/normals.h"

namespace semwave {
namespace {

void add_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x,
                 const std::int32_t* places, std::uint32_t first_place, const cpu::NormalKey& key,
                 float deviation) {
  static const cpu::AddNormals kernel = cpu::add_normals_kernels().front();
  assert(x.size() == y.size());
  kernel(reinterpret_cast<float*>(y.data()), reinterpret_cast<const float*>(x.data()),
         static_cast<std::int64_t>(y.size()), places, first_place, key, deviation);
}

}  // namespace

void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x,
                         std::span<const std::int32_t> places, std::uint64_t seed, Purpose purpose,
                         std::uint32_t image, std::uint32_t visit, float deviation) {
  assert(places.size() == y.size());
  add_normals(y, x, places.data(), 0, {seed, static_cast<std::uint32_t>(purpose), image, visit},
              deviation);
}

void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x,
                         std::uint32_t first_place, std::uint64_t seed, Purpose purpose,
                         std::uint32_t image, std::uint32_t visit, float deviation) {
  add_normals(y, x, nullptr, first_place, {seed, static_cast<std::uint32_t>(purpose), image, visit},
              deviation);
}

}  // namespace semwave
