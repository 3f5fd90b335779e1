// Multi-head softmax attention among the rows of each image.
#include <cassert>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {

std::int64_t Backend::attention_weights_size(const Ragged& layout, int heads) {
  std::int64_t size = 0;
  for (int image = 0; image < layout.images(); ++image)
    size += std::int64_t{heads} * layout.rows_of(image) * layout.rows_of(image);
  return size;
}

Var attention(Pass& pass, const Var& qkv, const RaggedPtr& layout, int heads, const Var& bias,
              Var* received) {
  assert(layout->rows() == qkv.value().shape()[0] && qkv.value().columns() % (3 * heads) == 0);
  Backend& backend = pass.backend;
  const std::int64_t dim = qkv.value().columns() / 3;
  Var y = pass.output(backend.empty({layout->rows(), dim}), {&qkv, &bias});
  const Tensor weights = y.needs_gradient() || received
                             ? backend.empty({Backend::attention_weights_size(*layout, heads)})
                             : Tensor{};
  const Tensor table = bias.defined() ? bias.value() : Tensor{};
  backend.attention(y.value(), weights, qkv.value(), *layout, heads, table);
  if (received) {
    *received = Var(backend.empty({layout->rows(), 1}));
    backend.received_attention(received->value(), weights, *layout, heads);
  }
  for (int i = 0; i < layout->images(); ++i) {
    pass.operations += operations::attention(layout->rows_of(i), static_cast<double>(dim));
  }

  if (y.needs_gradient()) {
    pass.tape->record([&backend, qkv, layout, heads, bias, y, weights] {
      if (y.has_gradient())
        backend.attention_backward(qkv.gradient(backend),
                                   bias.defined() ? bias.gradient(backend) : Tensor{},
                                   y.gradient(backend), weights, qkv.value(), *layout, heads);
    });
  }
  return y;
}

}  // namespace semwave
