// The kernel behind add_complex_normals (complex_normals.h), one for each variant of the
// instruction set.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cpu/variant.h"

namespace semwave::cpu {

struct NormalKey {
  std::uint64_t seed;
  std::uint32_t purpose, image, visit;
};

/// y [count, 2] = x [count, 2] + deviation CN(0, 1) of `places` [count], or of first_place,
/// first_place + 1, ... where that is null. x may be y.
using AddNormals = void (*)(float* y, const float* x, std::int64_t count,
                            const std::int32_t* places, std::uint32_t first_place,
                            const NormalKey& key, float deviation);

/// Those this machine runs, the best first.
std::vector<AddNormals> add_normals_kernels();

inline namespace SEMWAVE_VARIANT {
void add_normals(float* y, const float* x, std::int64_t count, const std::int32_t* places,
                 std::uint32_t first_place, const NormalKey& key, float deviation);
}

}  // namespace semwave::cpu
