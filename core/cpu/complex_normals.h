// Complex Gaussian noise by the place of each value, at the speed of the kernels.
#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "core/random/random.h"

namespace semwave {

/// y[i] = x[i] + deviation times the complex_normal of (seed, purpose, image, visit, places[i]); x
/// may be y. Fused and in float: within 4e-7 of the double draw where |draw| is about 1, and 1e-6
/// anywhere. A sum depends on its own counter alone, not on its neighbours. One thread; allocates
/// nothing.
void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x,
                         std::span<const std::int32_t> places, std::uint64_t seed, Purpose purpose,
                         std::uint32_t image, std::uint32_t visit, float deviation);
/// The same of the places first_place, first_place + 1, ...
void add_complex_normals(std::span<std::complex<float>> y, std::span<const std::complex<float>> x,
                         std::uint32_t first_place, std::uint64_t seed, Purpose purpose,
                         std::uint32_t image, std::uint32_t visit, float deviation);

}  // namespace semwave
