// Routing of rows to experts, and the mixture of what the experts answer.
#include <cassert>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {

Var softmax(Pass& pass, const Var& x) {
  Backend& backend = pass.backend;
  Var y = pass.output(backend.empty(x.value().shape()), {&x});
  backend.softmax(y.value(), x.value());
  if (y.needs_gradient()) {
    pass.tape->record([&backend, x, y] {
      if (y.has_gradient())
        backend.softmax_backward(x.gradient(backend), y.gradient(backend), y.value());
    });
  }
  return y;
}

Routing route(Pass& pass, const Var& logits, int k) {
  Backend& backend = pass.backend;
  const std::int64_t n = logits.value().shape()[0];
  const int experts = static_cast<int>(logits.value().columns());
  assert(k >= 1 && k <= experts);
  const Var probabilities = softmax(pass, logits);

  const auto E = static_cast<std::size_t>(experts), K = static_cast<std::size_t>(k),
             N = static_cast<std::size_t>(n);
  PooledVector<float> p(N * E);
  if (n > 0) backend.to_host(probabilities.value(), p.data());
  PooledVector<std::int32_t> expert;
  expert.reserve(N * K);
  PooledVector<char> taken(E);
  for (std::size_t r = 0; r < N; ++r) {
    taken.assign(E, 0);
    for (std::size_t j = 0; j < K; ++j) {
      std::size_t best = E;
      for (std::size_t e = 0; e < E; ++e)
        if (!taken[e] && (best == E || p[r * E + e] > p[r * E + best])) best = e;
      taken[best] = 1;
      expert.push_back(static_cast<std::int32_t>(best));
    }
  }
  return dispatch(probabilities, std::move(expert), k);
}

Routing dispatch(const Var& probabilities, PooledVector<std::int32_t> expert, int k) {
  const auto experts = static_cast<std::size_t>(probabilities.value().columns());
  Routing routing{.experts = static_cast<int>(experts),
                  .k = k,
                  .probabilities = probabilities,
                  .expert = std::move(expert),
                  .row = {},
                  .source = {},
                  .group_starts = {}};
  assert(static_cast<std::int64_t>(routing.expert.size()) == probabilities.value().rows() * k);
  routing.group_starts.assign(experts + 1, 0);
  for (const std::int32_t e : routing.expert)
    if (e >= 0) ++routing.group_starts[static_cast<std::size_t>(e) + 1];
  for (std::size_t e = 0; e < experts; ++e) routing.group_starts[e + 1] += routing.group_starts[e];
  PooledVector<std::int32_t> next(routing.group_starts.begin(), routing.group_starts.end() - 1);
  routing.row.assign(routing.expert.size(), -1);
  routing.source.resize(static_cast<std::size_t>(routing.group_starts.back()));
  for (std::size_t i = 0; i < routing.expert.size(); ++i) {
    if (routing.expert[i] < 0) continue;
    const std::int32_t row = next[static_cast<std::size_t>(routing.expert[i])]++;
    routing.row[i] = row;
    routing.source[static_cast<std::size_t>(row)] =
        static_cast<std::int32_t>(i / static_cast<std::size_t>(k));
  }
  return routing;
}

Var combine(Pass& pass, const Var& residual, const Var& expert_output, const Routing& routing) {
  Backend& backend = pass.backend;
  const std::int64_t n = residual.value().shape()[0];
  const std::int64_t dim = residual.value().columns();
  const auto dispatched = static_cast<std::int64_t>(routing.source.size());
  assert(expert_output.value().shape()[0] == dispatched && expert_output.value().columns() == dim);
  const Var& probabilities = routing.probabilities;
  Var y = pass.output(backend.empty({n, dim}), {&residual, &expert_output, &probabilities});
  backend.combine(y.value(), residual.value(), expert_output.value(), probabilities.value(),
                  routing.expert, routing.row, routing.k);
  pass.operations +=
      operations::combine(static_cast<double>(dispatched), 1, static_cast<double>(dim));

  if (y.needs_gradient()) {
    pass.tape->record([&backend, residual, expert_output, probabilities, y, expert = routing.expert,
                       row = routing.row, k = routing.k] {
      if (!y.has_gradient()) return;
      const auto wanted = [&backend](const Var& v) {
        return v.needs_gradient() ? v.gradient(backend) : Tensor{};
      };
      backend.combine_backward(wanted(residual), wanted(expert_output), wanted(probabilities),
                               y.gradient(backend), expert_output.value(), probabilities.value(),
                               expert, row, k);
    });
  }
  return y;
}

}  // namespace semwave
