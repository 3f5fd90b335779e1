// Draws from Random123's Philox4x32 with ten rounds.
#include "core/random/random.h"

#include <Random123/philox.h>

#include <cassert>
#include <cmath>
#include <numbers>

#include "core/cpu/normals.h"

namespace semwave {

RandomWords philox(std::uint64_t seed, Purpose purpose, std::uint32_t image, std::uint32_t visit, std::uint32_t place) {
  using Generator = r123::Philox4x32;
  const Generator::ctr_type counter = {{place, visit, image, static_cast<std::uint32_t>(purpose)}};
  const Generator::key_type key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const Generator::ctr_type words = Generator()(counter, key);
  return {words[0], words[1], words[2], words[3]};
}

std::complex<double> complex_normal(const RandomWords& words) {
  // |h|^2 of CN(0, 1) is exponential with mean 1.
  const double radius = std::sqrt(-std::log(uniform(words[0])));
  const double angle = 2.0 * std::numbers::pi * uniform(words[1]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

namespace {

void add_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x, const std::int32_t* places, std::uint32_t first_place, const cpu::NormalKey& key, float deviation) {
  static const cpu::AddNormals kernel = cpu::add_normals_kernels().front();
  assert(x.size() == y.size());
  kernel(reinterpret_cast<float*>(y.data()), reinterpret_cast<const float*>(x.data()), static_cast<std::int64_t>(y.size()), places, first_place, key, deviation);
}

}  // namespace

void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x, std::span<const std::int32_t> places, std::uint64_t seed, Purpose purpose, std::uint32_t image, std::uint32_t visit,
                         float deviation) {
  assert(places.size() == y.size());
  add_normals(y, x, places.data(), 0, {seed, static_cast<std::uint32_t>(purpose), image, visit}, deviation);
}

void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x, std::uint32_t first_place, std::uint64_t seed, Purpose purpose, std::uint32_t image, std::uint32_t visit, float deviation) {
  add_normals(y, x, nullptr, first_place, {seed, static_cast<std::uint32_t>(purpose), image, visit}, deviation);
}

}  // namespace semwave
