// Values with gradients and the backward steps of one pass.
#include "core/tensor/tape.h"

#include <cassert>
#include <utility>

#include "core/tensor/backend.h"

namespace semwave {

Var::Var(Tensor value, bool needs_gradient) : node_(make_block_shared<Node>()) {
  node_->value = std::move(value);
  node_->needs_gradient = needs_gradient;
}

Var::Var(Tensor value, Tensor gradient) : node_(make_block_shared<Node>()) {
  assert(gradient.defined() && gradient.size() == value.size());
  node_->value = std::move(value);
  node_->gradient = std::move(gradient);
  node_->needs_gradient = true;
}

const Tensor& Var::gradient(Backend& backend) const {
  assert(node_);
  if (!node_->gradient.defined()) node_->gradient = backend.zeros(node_->value.shape());
  return node_->gradient;
}

void Tape::backward(Backend& backend, const Var& loss) {
  assert(loss.defined() && loss.value().size() == 1);
  backend.fill(loss.gradient(backend), 1.0f);
  while (!steps_.empty()) {
    std::function<void()> step = std::move(steps_.back());
    steps_.pop_back();
    step();
  }
}

}  // namespace semwave
