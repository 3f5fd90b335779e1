// Memory that a kernel needs while it runs: one growing buffer per thread and purpose, so that
// kernels allocate nothing once warm.
#pragma once

#include <cstdint>

namespace semwave::cpu {

enum class Scratch : int { panel, transposed, scores, row, product, count };

/// At least `floats` floats, 64-byte aligned, contents unspecified; valid until this thread asks
/// for the same purpose again.
float* scratch(Scratch purpose, std::int64_t floats);

}  // namespace semwave::cpu
