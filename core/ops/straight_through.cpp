// Rows that were kept, with a derivative for the score that kept them.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var straight_through(Pass& pass, const Var& x, const Var& score) {
  assert(score.value().size() == x.value().rows());
  Backend& backend = pass.backend;
  Var y = pass.output(x.value(), {&x, &score});
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, score, y] {
      if (!y.has_gradient()) return;
      const Tensor& dy = y.gradient(backend);
      if (x.needs_gradient()) backend.add_scaled(x.gradient(backend), dy, 1.0f);
      if (score.needs_gradient())
        backend.straight_through_backward(score.gradient(backend), dy, x.value(), score.value());
    });
  }
  return y;
}

}  // namespace semwave
