// The demapper of the Gray constellations (modulation.h), one for each variant of the instruction
// set (core/cpu/machine.h).
#pragma once

#include <cstddef>
#include <vector>

#include "core/cpu/variant.h"

namespace semwave::cpu {

/// Max-log soft bits of `z` [symbols, 2] for 1, 2, 4, 6 or 8 bits a symbol: noise variances
/// `variance` [symbols], or where that is null one inverse of them for all, `reliability`. `soft`
/// [symbols, bits_per_symbol].
using DemapGray = void (*)(int bits_per_symbol, const float* z, std::size_t symbols,
                           const float* variance, float reliability, float* soft);

/// Those this machine runs, the best first. Results do not depend on which.
std::vector<DemapGray> demap_kernels();

}  // namespace semwave::cpu
