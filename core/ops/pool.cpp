// Sequence pooling: a softmax-weighted sum of the rows of each image.
#include <cassert>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {

Var pool(Pass& pass, const Var& x, const Var& score, const RaggedPtr& layout) {
  assert(layout->rows() == x.value().shape()[0] && score.value().size() == layout->rows());
  Backend& backend = pass.backend;
  const std::int64_t dim = x.value().columns();
  Var y = pass.output(backend.empty({layout->images(), dim}), {&x, &score});
  const Tensor weights = backend.empty({layout->rows()});
  backend.pool(y.value(), weights, x.value(), score.value(), *layout);
  pass.operations += operations::pool(layout->rows(), static_cast<double>(dim));

  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, score, layout, y, weights] {
      if (!y.has_gradient()) return;
      backend.pool_backward(x.needs_gradient() ? x.gradient(backend) : Tensor{},
                            score.needs_gradient() ? score.gradient(backend) : Tensor{},
                            y.gradient(backend), x.value(), weights, *layout);
    });
  }
  return y;
}

}  // namespace semwave
