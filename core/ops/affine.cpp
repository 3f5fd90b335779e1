// A scale and a shift that nothing learns: noise, temperatures, offsets.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var affine(Pass& pass, const Var& x, float scale, const Tensor& shift) {
  assert(!shift.defined() || shift.size() == x.value().size());
  Backend& backend = pass.backend;
  Var y = pass.output(backend.zeros(x.value().shape()), {&x});
  backend.add_scaled(y.value(), x.value(), scale);
  if (shift.defined()) backend.add_scaled(y.value(), shift.reshape(x.value().shape()), 1.0f);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y, scale] {
      if (y.has_gradient()) backend.add_scaled(x.gradient(backend), y.gradient(backend), scale);
    });
  }
  return y;
}

}  // namespace semwave
