// Layer normalisation over the last axis, with an optional scale and shift of each image.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var layer_norm(Pass& pass, const Var& x, const Parameter& gamma, const Parameter& beta,
               const Var& modulation, const RaggedPtr& layout) {
  static const PooledVector<std::int32_t> no_image;
  assert(!modulation.defined() || (layout && layout->rows() == x.value().shape()[0] &&
                                   modulation.value().shape()[0] == layout->images()));
  Backend& backend = pass.backend;
  const std::int64_t n = x.value().shape()[0];
  const Var scale = pass.parameter(gamma);
  const Var shift = pass.parameter(beta);
  Var y = pass.output(backend.empty({n, x.value().columns()}), {&x, &scale, &shift, &modulation});
  const Tensor mean_rstd = y.needs_gradient() ? backend.empty({n, 2}) : Tensor{};
  const Tensor modulation_value = modulation.defined() ? modulation.value() : Tensor{};
  backend.layer_norm(y.value(), mean_rstd, x.value(), gamma.value, beta.value, modulation_value,
                     layout ? layout->image : no_image);

  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, scale, shift, modulation, layout, y, mean_rstd] {
      if (!y.has_gradient()) return;
      const auto wanted = [&backend](const Var& v) {
        return v.needs_gradient() ? v.gradient(backend) : Tensor{};
      };
      backend.layer_norm_backward(wanted(x), wanted(scale), wanted(shift), wanted(modulation),
                                  y.gradient(backend), x.value(), mean_rstd, scale.value(),
                                  modulation.defined() ? modulation.value() : Tensor{},
                                  layout ? layout->image : no_image);
    });
  }
  return y;
}

}  // namespace semwave
