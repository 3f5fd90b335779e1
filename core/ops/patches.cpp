// Windows of an image as rows, so that a convolution is a product.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var patches(Pass& pass, const Var& x, Window window) {
  const Shape& shape = x.value().shape();  // [B, H, W, C]
  assert(shape.rank() == 4);
  Backend& backend = pass.backend;
  const std::int64_t height = window.out(static_cast<int>(shape[1]));
  const std::int64_t width = window.out(static_cast<int>(shape[2]));
  Var y = pass.output(
      backend.empty({shape[0] * height * width, shape[3] * window.kernel * window.kernel}), {&x});
  backend.patches(y.value(), x.value(), window);

  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y, window] {
      if (y.has_gradient())
        backend.patches_backward(x.gradient(backend), y.gradient(backend), window);
    });
  }
  return y;
}

}  // namespace semwave
