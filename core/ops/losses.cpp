// Losses: each a sum over the rows of a shard times a scale, so that shards add up to the batch.
#include <cassert>

#include "core/ops/ops.h"

namespace semwave {

Var cross_entropy(Pass& pass, const Var& logits, std::span<const std::int32_t> label,
                  float smoothing, float scale) {
  assert(static_cast<std::int64_t>(label.size()) == logits.value().shape()[0]);
  Backend& backend = pass.backend;
  Var loss = pass.output(backend.zeros({1}), {&logits});
  const Tensor p = backend.empty(logits.value().shape());
  backend.cross_entropy(loss.value(), p, logits.value(), label, smoothing, scale);
  if (loss.needs_gradient()) {
    pass.tape->record([&backend, logits,
                       label = PooledVector<std::int32_t>(label.begin(), label.end()), smoothing,
                       scale, loss, p] {
      if (loss.has_gradient())
        backend.cross_entropy_backward(logits.gradient(backend), loss.gradient(backend), p, label,
                                       smoothing, scale);
    });
  }
  return loss;
}

Var squared_error(Pass& pass, const Var& x, const Tensor& target, const Tensor& weight,
                  float scale) {
  assert(target.size() == x.value().size() &&
         (!weight.defined() || weight.size() == x.value().rows()));
  Backend& backend = pass.backend;
  Var loss = pass.output(backend.zeros({1}), {&x});
  backend.squared_error(loss.value(), x.value(), target, weight, scale);
  if (loss.needs_gradient()) {
    pass.tape->record([&backend, x, target, weight, scale, loss] {
      if (loss.has_gradient())
        backend.squared_error_backward(x.gradient(backend), loss.gradient(backend), x.value(),
                                       target, weight, scale);
    });
  }
  return loss;
}

Var sum(Pass& pass, const PooledVector<Var>& terms) {
  Backend& backend = pass.backend;
  bool needs_gradient = false;
  Tensor value = backend.zeros({1});
  for (const Var& term : terms) {
    if (!term.defined()) continue;
    assert(term.value().size() == 1);
    backend.add_scaled(value, term.value(), 1.0f);
    needs_gradient = needs_gradient || term.needs_gradient();
  }
  Var total(std::move(value), pass.recording() && needs_gradient);
  if (total.needs_gradient()) {
    pass.tape->record([&backend, terms, total] {
      if (!total.has_gradient()) return;
      for (const Var& term : terms)
        if (term.needs_gradient())
          backend.add_scaled(term.gradient(backend), total.gradient(backend), 1.0f);
    });
  }
  return total;
}

}  // namespace semwave
