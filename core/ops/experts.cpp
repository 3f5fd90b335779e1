// Routing of rows to experts, and the mixture of what the experts answer.
#include <cassert>

#include "core/ops/operations.h"
#include "core/ops/ops.h"

namespace semwave {

Routing route(Pass& pass, const Var& logits, int k) {
  Backend& backend = pass.backend;
  const std::int64_t n = logits.value().shape()[0];
  const int experts = static_cast<int>(logits.value().columns());
  assert(k >= 1 && k <= experts);
  Routing routing;
  routing.experts = experts;
  routing.k = k;
  routing.probabilities = pass.output(backend.empty({n, experts}), {&logits});
  backend.softmax(routing.probabilities.value(), logits.value());
  if (routing.probabilities.needs_gradient()) {
    pass.tape->record([&backend, logits, y = routing.probabilities] {
      if (y.has_gradient())
        backend.softmax_backward(logits.gradient(backend), y.gradient(backend), y.value());
    });
  }

  const auto E = static_cast<std::size_t>(experts), K = static_cast<std::size_t>(k),
             N = static_cast<std::size_t>(n);
  PooledVector<float> p(N * E);
  if (n > 0) backend.to_host(routing.probabilities.value(), p.data());
  routing.expert.reserve(N * K);
  routing.group_starts.assign(E + 1, 0);
  PooledVector<char> taken(E);
  for (std::size_t r = 0; r < N; ++r) {
    taken.assign(E, 0);
    for (std::size_t j = 0; j < K; ++j) {
      std::size_t best = E;
      for (std::size_t e = 0; e < E; ++e)
        if (!taken[e] && (best == E || p[r * E + e] > p[r * E + best])) best = e;
      taken[best] = 1;
      routing.expert.push_back(static_cast<std::int32_t>(best));
      ++routing.group_starts[best + 1];
    }
  }
  for (std::size_t e = 0; e < E; ++e) routing.group_starts[e + 1] += routing.group_starts[e];
  PooledVector<std::int32_t> next(routing.group_starts.begin(), routing.group_starts.end() - 1);
  routing.row.resize(N * K);
  routing.source.resize(N * K);
  for (std::size_t i = 0; i < N * K; ++i) {
    const std::int32_t row = next[static_cast<std::size_t>(routing.expert[i])]++;
    routing.row[i] = row;
    routing.source[static_cast<std::size_t>(row)] = static_cast<std::int32_t>(i / K);
  }
  return routing;
}

Var combine(Pass& pass, const Var& residual, const Var& expert_output, const Routing& routing) {
  Backend& backend = pass.backend;
  const std::int64_t n = residual.value().shape()[0];
  const std::int64_t dim = residual.value().columns();
  assert(expert_output.value().shape()[0] == n * routing.k &&
         expert_output.value().columns() == dim);
  const Var& probabilities = routing.probabilities;
  Var y = pass.output(backend.empty({n, dim}), {&residual, &expert_output, &probabilities});
  backend.combine(y.value(), residual.value(), expert_output.value(), probabilities.value(),
                  routing.expert, routing.row, routing.k);
  pass.operations +=
      operations::combine(static_cast<double>(n), routing.k, static_cast<double>(dim));

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
