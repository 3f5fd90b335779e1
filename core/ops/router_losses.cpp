// Losses that keep a router in balance. They couple all rows of a batch, so shards declare sums and
// backward reads the totals.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "core/ops/ops.h"

namespace semwave {
namespace {

// Layout of the declared sums: rows, sum of logsumexp^2, then for each expert the sum of its
// probability, then for each its argmax rows.
class Totals {
 public:
  explicit Totals(const std::vector<double>& sums) : sums_(sums) {}
  std::size_t experts() const { return sums_.size() < 2 ? 0 : (sums_.size() - 2) / 2; }
  double rows() const { return sums_.empty() ? 0 : sums_[0]; }
  double z() const { return sums_[1]; }
  double probability(std::size_t expert) const { return sums_[2 + expert]; }
  double first_choices(std::size_t expert) const { return sums_[2 + experts() + expert]; }

 private:
  const std::vector<double>& sums_;
};

double logsumexp(const float* x, std::size_t count) {
  double top = x[0];
  for (std::size_t i = 1; i < count; ++i) top = std::max(top, static_cast<double>(x[i]));
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) total += std::exp(x[i] - top);
  return top + std::log(total);
}

}  // namespace

void router_losses(Pass& pass, const std::string& name, const Var& logits, const Routing& routing,
                   float balance_weight, float z_weight) {
  if (pass.statistics == nullptr) return;
  Backend& backend = pass.backend;
  const auto n = static_cast<std::size_t>(logits.value().shape()[0]);
  const auto experts = static_cast<std::size_t>(routing.experts);
  std::vector<float> x(n * experts), p(n * experts);
  if (n > 0) {
    backend.to_host(logits.value(), x.data());
    backend.to_host(routing.probabilities.value(), p.data());
  }
  std::vector<double> sums(2 + 2 * experts, 0.0), z(n);
  sums[0] = static_cast<double>(n);
  for (std::size_t r = 0; r < n; ++r) {
    z[r] = logsumexp(&x[r * experts], experts);
    sums[1] += z[r] * z[r];
    for (std::size_t e = 0; e < experts; ++e) sums[2 + e] += p[r * experts + e];
    const auto row = p.begin() + static_cast<std::ptrdiff_t>(r * experts);
    const auto best = std::max_element(row, row + static_cast<std::ptrdiff_t>(experts)) - row;
    sums[2 + experts + static_cast<std::size_t>(best)] += 1;
  }
  pass.statistics->declare(pass.shard, name, sums);

  if (!pass.recording() || !logits.needs_gradient() || n == 0) return;
  pass.tape->record([&backend, statistics = pass.statistics, name, logits, n, experts,
                     p = std::move(p), z = std::move(z), balance_weight, z_weight] {
    const Totals totals(statistics->total(name));
    assert(totals.experts() == experts && totals.rows() > 0 &&
           "BatchStatistics::reduce comes before backward");
    const double rows = totals.rows();
    std::vector<double> dp(experts);  // of one row; the same for all
    for (std::size_t e = 0; e < experts; ++e)
      dp[e] =
          balance_weight * static_cast<double>(experts) * totals.first_choices(e) / (rows * rows);
    std::vector<float> dx(n * experts);
    for (std::size_t r = 0; r < n; ++r) {
      const float* row = &p[r * experts];
      double mean = 0;
      for (std::size_t e = 0; e < experts; ++e) mean += dp[e] * row[e];
      const double dz = 2.0 * z_weight * z[r] / rows;
      for (std::size_t e = 0; e < experts; ++e)
        dx[r * experts + e] = static_cast<float>(row[e] * (dp[e] - mean + dz));
    }
    backend.add_scaled(logits.gradient(backend),
                       backend.from_host(logits.value().shape(), dx.data()), 1.0f);
  });
}

RouterLoss router_loss_value(const BatchStatistics& statistics, const std::string& name) {
  const Totals totals(statistics.total(name));
  RouterLoss loss;
  if (totals.rows() <= 0) return loss;
  for (std::size_t e = 0; e < totals.experts(); ++e)
    loss.balance += totals.first_choices(e) * totals.probability(e);
  loss.balance *= static_cast<double>(totals.experts()) / (totals.rows() * totals.rows());
  loss.z = totals.z() / totals.rows();
  return loss;
}

}  // namespace semwave
