// The logistic function of each number.
#include "core/ops/ops.h"

namespace semwave {

Var sigmoid(Pass& pass, const Var& x) {
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty(x.value().shape()), {&x});
  backend.sigmoid(y.value(), x.value());
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y] {
      if (y.has_gradient())
        backend.sigmoid_backward(x.gradient(backend), y.gradient(backend), y.value());
    });
  }
  return y;
}

}  // namespace semwave
