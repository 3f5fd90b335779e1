// y = activation(x W^T + bias) + residual: one weight for all rows, or one a group of rows
// (experts).
#include <cassert>
#include <utility>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {
namespace {

// A convolution's weight [out, in, height, width] is the matrix [out, in height width] here.
Tensor as_matrix(const Tensor& tensor) {
  const std::int64_t out = tensor.shape()[0];
  return tensor.reshape({out, tensor.size() / out});
}

}  // namespace

Var linear(Pass& pass, const Var& x, const Parameter& weight, const Parameter* bias,
           Activation activation, const Var& residual) {
  assert(weight.packs && weight.forward.panels.defined());
  assert(x.value().columns() == weight.forward.depth);
  Backend& backend = pass.backend;
  const std::int64_t n = x.value().shape()[0];
  const std::int64_t out = weight.forward.columns;
  const Var w = pass.parameter(weight);
  const Var b = bias ? pass.parameter(*bias) : Var{};
  Var y = pass.output(backend.empty({n, out}), {&x, &w, &b, &residual});
  const bool keep_before = y.needs_gradient() && activation != Activation::none;
  const Tensor before = keep_before ? backend.empty({n, out}) : Tensor{};
  backend.linear(y.value(), x.value(), weight.forward, bias ? bias->value : Tensor{}, activation,
                 residual.defined() ? residual.value() : Tensor{}, before);
  pass.operations += operations::linear(
      static_cast<double>(n), static_cast<double>(weight.forward.depth), static_cast<double>(out));

  if (y.needs_gradient()) {
    pass.tape->record([&backend, &weight, x, w, b, residual, y, before, activation] {
      if (!y.has_gradient()) return;
      const Tensor& dy = y.gradient(backend);
      if (residual.needs_gradient()) backend.add_scaled(residual.gradient(backend), dy, 1.0f);
      if (activation != Activation::none) backend.activation_backward(dy, dy, before, activation);
      const Tensor dw = w.needs_gradient() ? as_matrix(w.gradient(backend)) : Tensor{};
      const Tensor db = b.needs_gradient() ? b.gradient(backend) : Tensor{};
      if (dw.defined() || db.defined()) backend.linear_backward_weight(dw, db, dy, x.value());
      if (x.needs_gradient()) {
        assert(weight.backward.panels.defined() &&
               "ParameterSet::pack(true) comes before a backward pass");
        backend.linear_backward_input(x.gradient(backend), dy, weight.backward);
      }
    });
  }
  return y;
}

Var grouped_linear(Pass& pass, const Var& x, std::span<const std::int32_t> group_starts,
                   std::span<const Parameter* const> weight, std::span<const Parameter* const> bias,
                   Activation activation) {
  assert(!weight.empty() && group_starts.size() == weight.size() + 1 &&
         (bias.empty() || bias.size() == weight.size()));
  Backend& backend = pass.backend;
  const std::int64_t n = x.value().shape()[0];
  assert(n == group_starts.back());
  const std::int64_t out = weight.front()->forward.columns;

  struct Group {
    std::int64_t begin, end;
    const Parameter* weight;
    Var w, b;
  };
  PooledVector<Group> groups;  // those that have rows
  bool needs_gradient = x.needs_gradient();
  for (std::size_t g = 0; g < weight.size(); ++g) {
    if (group_starts[g] == group_starts[g + 1]) continue;
    const Parameter* group_bias = bias.empty() ? nullptr : bias[g];
    groups.push_back({group_starts[g], group_starts[g + 1], weight[g], pass.parameter(*weight[g]),
                      group_bias ? pass.parameter(*group_bias) : Var{}});
    needs_gradient =
        needs_gradient || groups.back().w.needs_gradient() || groups.back().b.needs_gradient();
  }
  Var y(backend.empty({n, out}), pass.recording() && needs_gradient);
  const bool keep_before = y.needs_gradient() && activation != Activation::none;
  const Tensor before = keep_before ? backend.empty({n, out}) : Tensor{};
  for (const Group& group : groups) {
    const PackedMatrix& panels = group.weight->forward;
    assert(panels.columns == out && panels.depth == x.value().columns());
    backend.linear(y.value().row_range(group.begin, group.end),
                   x.value().row_range(group.begin, group.end), panels,
                   group.b.defined() ? group.b.value() : Tensor{}, activation, {},
                   keep_before ? before.row_range(group.begin, group.end) : Tensor{});
    pass.operations +=
        operations::linear(static_cast<double>(group.end - group.begin),
                           static_cast<double>(panels.depth), static_cast<double>(out));
  }

  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y, before, activation, groups = std::move(groups)] {
      if (!y.has_gradient()) return;
      const Tensor& dy = y.gradient(backend);
      if (activation != Activation::none) backend.activation_backward(dy, dy, before, activation);
      for (const Group& group : groups) {
        const Tensor dy_group = dy.row_range(group.begin, group.end);
        const Tensor dw =
            group.w.needs_gradient() ? as_matrix(group.w.gradient(backend)) : Tensor{};
        const Tensor db = group.b.needs_gradient() ? group.b.gradient(backend) : Tensor{};
        if (dw.defined() || db.defined())
          backend.linear_backward_weight(dw, db, dy_group,
                                         x.value().row_range(group.begin, group.end));
        if (x.needs_gradient())
          backend.linear_backward_input(x.gradient(backend).row_range(group.begin, group.end),
                                        dy_group, group.weight->backward);
      }
    });
  }
  return y;
}

}  // namespace semwave
