// Moving rows and columns: gather, concatenate, add a table's rows, another shape.
#include <cassert>
#include <utility>

#include "core/ops/ops.h"

namespace semwave {

Var gather_rows(Pass& pass, const Var& x, PooledVector<std::int32_t> index) {
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty({static_cast<std::int64_t>(index.size()), x.value().columns()}),
                      {&x});
  backend.gather_rows(y.value(), x.value(), index);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y, index = std::move(index)] {
      if (y.has_gradient())
        backend.scatter_add_rows(x.gradient(backend), y.gradient(backend), index);
    });
  }
  return y;
}

Var concat_rows(Pass& pass, const PooledVector<Var>& x) {
  Backend& backend = pass.backend;
  std::int64_t rows = 0, columns = -1;
  bool needs_gradient = false;
  for (const Var& part : x) {
    if (!part.defined()) continue;
    assert(columns < 0 || columns == part.value().columns());
    columns = part.value().columns();
    rows += part.value().rows();
    needs_gradient = needs_gradient || part.needs_gradient();
  }
  if (columns < 0) return {};
  Var y(backend.empty({rows, columns}), pass.recording() && needs_gradient);
  std::int64_t row = 0;
  for (const Var& part : x) {
    if (!part.defined() || part.value().rows() == 0) continue;
    backend.copy(y.value().row_range(row, row + part.value().rows()), part.value());
    row += part.value().rows();
  }
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y] {
      if (!y.has_gradient()) return;
      std::int64_t begin = 0;
      for (const Var& part : x) {
        if (!part.defined()) continue;
        const std::int64_t end = begin + part.value().rows();
        if (part.needs_gradient() && begin < end)
          backend.add_scaled(part.gradient(backend), y.gradient(backend).row_range(begin, end),
                             1.0f);
        begin = end;
      }
    });
  }
  return y;
}

Var concat_columns(Pass& pass, const Var& a, const Var& b) {
  assert(a.value().rows() == b.value().rows());
  Backend& backend = pass.backend;
  const std::int64_t left = a.value().columns();
  Var y = pass.output(backend.empty({a.value().rows(), left + b.value().columns()}), {&a, &b});
  backend.set_columns(y.value(), a.value(), 0);
  backend.set_columns(y.value(), b.value(), left);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, a, b, y, left] {
      if (!y.has_gradient()) return;
      if (a.needs_gradient()) backend.add_columns(a.gradient(backend), y.gradient(backend), 0);
      if (b.needs_gradient()) backend.add_columns(b.gradient(backend), y.gradient(backend), left);
    });
  }
  return y;
}

Var add_rows(Pass& pass, const Var& x, const Var& table, PooledVector<std::int32_t> index) {
  assert(static_cast<std::int64_t>(index.size()) == x.value().rows() &&
         table.value().columns() == x.value().columns());
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty({x.value().rows(), x.value().columns()}), {&x, &table});
  backend.gather_rows(y.value(), table.value(), index);
  backend.add_scaled(y.value(), x.value(), 1.0f);
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, table, y, index = std::move(index)] {
      if (!y.has_gradient()) return;
      if (x.needs_gradient()) backend.add_scaled(x.gradient(backend), y.gradient(backend), 1.0f);
      if (table.needs_gradient())
        backend.scatter_add_rows(table.gradient(backend), y.gradient(backend), index);
    });
  }
  return y;
}

Var reshape(Pass& pass, const Var& x, Shape shape) {
  Backend& backend = pass.backend;
  Var y = pass.output(x.value().reshape(shape), {&x});
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y] {
      if (y.has_gradient())
        backend.add_scaled(x.gradient(backend), y.gradient(backend).reshape(x.value().shape()),
                           1.0f);
    });
  }
  return y;
}

}  // namespace semwave
