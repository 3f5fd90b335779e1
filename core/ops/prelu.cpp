// PReLU (He et al. 2015): below zero a learned slope, of each channel or one of all.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var prelu(Pass& pass, const Var& x, const Parameter& slope) {
  assert(slope.value.size() == 1 || slope.value.size() == x.value().columns());
  Backend& backend = pass.backend;
  const Var s = pass.parameter(slope);
  Var y = pass.output(backend.empty(x.value().shape()), {&x, &s});
  backend.prelu(y.value(), x.value(), slope.value);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, s, y] {
      if (!y.has_gradient()) return;
      backend.prelu_backward(x.needs_gradient() ? x.gradient(backend) : Tensor{},
                             s.needs_gradient() ? s.gradient(backend) : Tensor{},
                             y.gradient(backend), x.value(), s.value());
    });
  }
  return y;
}

}  // namespace semwave
