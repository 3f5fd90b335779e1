// Differentiable signal operations on payload symbols; kernels in phy/signal/cpu on memory lent by
// core's Backend.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/pass.h"
#include "phy/signal/equaliser.h"
#include "phy/signal/power_scope.h"

namespace semwave {

/// Scales symbols [total, 2] to mean power 1 over each segment [segments[i], segments[i+1]). A
/// segment without power stays zero. Segments follow the power scope: an image, a token or a
/// symbol; never a batch.
Var unit_power(Pass& pass, const Var& symbols, const PooledVector<std::int32_t>& segments);

/// Segments of a power scope for payload symbols whose images start at `starts` [images + 1] and
/// send so many symbols a token.
PooledVector<std::int32_t> power_segments(PowerScope scope, std::span<const std::int32_t> starts,
                                          std::span<const int> symbols_per_token /*[images]*/);

/// y = h x + n with constant h, n [total, 2].
Var fade_and_noise(Pass& pass, const Var& x, const Tensor& gains, const Tensor& noise);

struct Equalised {
  Var symbols;      // [total, 2]
  Tensor variance;  // [total] error variance after equalisation
};
/// Gains below 1e-12 in power give 0 with variance 1e12 (zero forcing); without gain and noise MMSE
/// knows nothing: 0 with variance 1.
Equalised equalise(Pass& pass, const Var& y, const Tensor& gains, const Tensor& noise_variance,
                   const Equaliser& kind);

}  // namespace semwave
