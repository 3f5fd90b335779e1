// Each channel of each picture times a number: what attention to channels does with its weights.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var scale_channels(Pass& pass, const Var& x, const Var& scale) {
  assert(scale.value().columns() == x.value().columns() &&
         scale.value().rows() == x.value().shape()[0]);
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty(x.value().shape()), {&x, &scale});
  backend.scale_channels(y.value(), x.value(), scale.value());
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, scale, y] {
      if (!y.has_gradient()) return;
      backend.scale_channels_backward(x.needs_gradient() ? x.gradient(backend) : Tensor{},
                                      scale.needs_gradient() ? scale.gradient(backend) : Tensor{},
                                      y.gradient(backend), x.value(), scale.value());
    });
  }
  return y;
}

}  // namespace semwave
