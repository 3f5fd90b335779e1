// The largest value of each window; the gradient goes to where it stood.
#include <cassert>
#include <memory>

#include "core/ops/ops.h"

namespace semwave {

Var max_pool(Pass& pass, const Var& x, Window window) {
  const Shape& shape = x.value().shape();  // [B, H, W, C]
  assert(shape.rank() == 4 && window.padding < window.kernel);
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty({shape[0], window.out(static_cast<int>(shape[1])),
                                     window.out(static_cast<int>(shape[2])), shape[3]}),
                      {&x});
  auto source = make_block_shared<PooledVector<std::int32_t>>();
  backend.max_pool(y.value(), *source, x.value(), window);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y, source] {
      if (y.has_gradient())
        backend.max_pool_backward(x.gradient(backend), y.gradient(backend), *source);
    });
  }
  return y;
}

}  // namespace semwave
