// A value with its gradient, and the backward steps of one pass in order. Without a tape nothing is
// kept: that is inference.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/tensor/tensor.h"

namespace semwave {

class Backend;

/// Handle to a value and, on a tape, to its gradient. Cheap to copy; one pass, one thread.
class Var {
 public:
  Var() = default;
  explicit Var(Tensor value, bool needs_gradient = false);
  /// A value whose gradient is accumulated into memory that exists already (a parameter's lane).
  Var(Tensor value, Tensor gradient);

  bool defined() const { return node_ != nullptr; }
  const Tensor& value() const { return node_->value; }
  bool needs_gradient() const { return node_ && node_->needs_gradient; }
  bool has_gradient() const { return node_ && node_->gradient.defined(); }
  /// The gradient, made as zeros at first use. Backward kernels accumulate into it. That of an
  /// intermediate value is scratch memory once its own backward step has run; read those of leaves
  /// (inputs, parameters) only.
  const Tensor& gradient(Backend& backend) const;

 private:
  struct Node {
    Tensor value;
    Tensor gradient;
    bool needs_gradient = false;
  };
  std::shared_ptr<Node> node_;
};

class Tape {
 public:
  /// Steps run last to first; each is released as soon as it has run, so that its activations go
  /// back early.
  void record(std::function<void()> step) { steps_.push_back(std::move(step)); }
  /// Sets the gradient of `loss` ([1]) to one and runs every step. The tape is empty afterwards. A
  /// step whose result no loss depends on finds no gradient there and does nothing.
  void backward(Backend& backend, const Var& loss);
  std::size_t size() const { return steps_.size(); }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace semwave
