// What couples the shards of a batch: sums declared forward, totals read backward.
#include <gtest/gtest.h>

#include <cmath>

#include "core/ops/ops.h"
#include "tests/reference_kernels.h"

namespace semwave {
namespace {

using Sums = std::vector<double>;

TEST(BatchStatistics, AddsDeclarationsOverShardsAndCalls) {
  BatchStatistics statistics(3);
  statistics.declare(2, "a", {1, 10});
  statistics.declare(0, "a", {2, 20});
  statistics.declare(0, "a", {4, 40});
  statistics.declare(1, "b", {5});
  statistics.reduce();
  EXPECT_EQ(statistics.total("a"), (Sums{7, 70}));
  EXPECT_EQ(statistics.total("b"), (Sums{5}));
  EXPECT_TRUE(statistics.total("c").empty());
  statistics.reduce();
  EXPECT_EQ(statistics.total("a"), (Sums{7, 70})) << "reducing twice counts twice";
}

TEST(BatchStatistics, AddsInTheOrderOfTheShards) {
  BatchStatistics statistics(3);  // declared in another order
  statistics.declare(2, "a", {-1e16});
  statistics.declare(1, "a", {1});
  statistics.declare(0, "a", {1e16});
  statistics.reduce();
  EXPECT_EQ(statistics.total("a")[0], (1e16 + 1) - 1e16);
}

class RouterLosses : public ::testing::Test {
 protected:
  static constexpr int experts = 4;
  static constexpr float balance_weight = 0.3f, z_weight = 0.02f;

  struct Outcome {
    std::vector<double> gradient;  // [rows, experts]
    RouterLoss loss;
  };

  // The losses and their gradient when the rows are cut at the given places.
  Outcome run(const std::vector<double>& logits, const std::vector<std::size_t>& cuts, int k) {
    const int shards = static_cast<int>(cuts.size()) - 1;
    BatchStatistics statistics(shards);
    std::vector<Tape> tapes(static_cast<std::size_t>(shards));
    std::vector<Var> inputs;
    for (int shard = 0; shard < shards; ++shard) {
      const std::size_t begin = cuts[static_cast<std::size_t>(shard)],
                        end = cuts[static_cast<std::size_t>(shard) + 1];
      const std::vector<float> part(logits.begin() + static_cast<std::ptrdiff_t>(begin * experts),
                                    logits.begin() + static_cast<std::ptrdiff_t>(end * experts));
      Pass pass{.backend = *backend_,
                .tape = &tapes[static_cast<std::size_t>(shard)],
                .draws = {},
                .statistics = &statistics,
                .shard = shard};
      inputs.emplace_back(
          backend_->from_host({static_cast<std::int64_t>(end - begin), experts}, part.data()),
          true);
      const Routing routing = route(pass, inputs.back(), k);
      router_losses(pass, "block", inputs.back(), routing, balance_weight, z_weight);
    }
    statistics.reduce();
    Outcome outcome;
    for (int shard = 0; shard < shards; ++shard) {
      const Var& x = inputs[static_cast<std::size_t>(shard)];
      tapes[static_cast<std::size_t>(shard)].backward(*backend_, Var(backend_->zeros({1})));
      std::vector<float> part(static_cast<std::size_t>(x.value().size()));
      if (!part.empty()) backend_->to_host(x.gradient(*backend_), part.data());
      outcome.gradient.insert(outcome.gradient.end(), part.begin(), part.end());
    }
    outcome.loss = router_loss_value(statistics, "block");
    return outcome;
  }

  static std::vector<double> first_choice_share(const std::vector<double>& logits) {
    std::vector<double> share(experts);
    const std::size_t rows = logits.size() / experts;
    for (std::size_t r = 0; r < rows; ++r) {
      const auto row = logits.begin() + static_cast<std::ptrdiff_t>(r * experts);
      share[static_cast<std::size_t>(std::max_element(row, row + experts) - row)] +=
          1.0 / static_cast<double>(rows);
    }
    return share;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(RouterLosses, GradientIsThatOfTheReference) {
  for (const int k : {1, 2}) {
    std::vector<double> logits = reference::Draw(31).numbers(11 * experts, 2);
    const std::vector<double> share = first_choice_share(logits);
    const Outcome outcome = run(logits, {0, 11}, k);
    const auto loss = [&](double balance, double z) {
      return reference::router_loss<double>(logits, share, 11, experts, balance, z);
    };
    EXPECT_NEAR(outcome.loss.balance, loss(1, 0), 1e-5);
    EXPECT_NEAR(outcome.loss.z, loss(0, 1), 1e-5);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double centre = logits[i], step = 1e-4;
      logits[i] = centre + step;
      const double above = loss(balance_weight, z_weight);
      logits[i] = centre - step;
      const double difference = (above - loss(balance_weight, z_weight)) / (2 * step);
      logits[i] = centre;
      EXPECT_NEAR(outcome.gradient[i], difference, 1e-6) << i;
    }
  }
}

TEST_F(RouterLosses, GradientDoesNotDependOnHowTheBatchIsCut) {
  const std::vector<double> logits = reference::Draw(32).numbers(12 * experts, 2);
  const Outcome whole = run(logits, {0, 12}, 2);
  double scale = 0;
  for (const double g : whole.gradient) scale = std::max(scale, std::abs(g));
  ASSERT_GT(scale, 1e-4);
  for (const std::vector<std::size_t>& cuts :
       {std::vector<std::size_t>{0, 5, 12}, {0, 3, 3, 9, 12}, {0, 0, 12}, {0, 12, 12}}) {
    const Outcome cut = run(logits, cuts, 2);
    for (std::size_t i = 0; i < logits.size(); ++i)
      EXPECT_NEAR(cut.gradient[i], whole.gradient[i], 1e-5 * scale);
    EXPECT_NEAR(cut.loss.balance, whole.loss.balance, 1e-12);
    EXPECT_NEAR(cut.loss.z, whole.loss.z, 1e-12);
  }
}

TEST_F(RouterLosses, BalanceIsOneWhereRoutingIsUniform) {
  std::vector<double> logits(experts * experts, 0.0);
  for (std::size_t r = 0; r < experts; ++r)
    logits[r * experts + r] = 1.0;  // each expert is the first choice once
  const Outcome outcome = run(logits, {0, experts}, 1);
  EXPECT_NEAR(outcome.loss.balance, 1.0, 1e-6);
}

TEST_F(RouterLosses, BatchWithoutRowsCostsNothing) {
  const Outcome outcome = run({}, {0, 0, 0}, 1);
  EXPECT_EQ(outcome.loss.balance, 0);
  EXPECT_EQ(outcome.loss.z, 0);
  EXPECT_EQ(router_loss_value(BatchStatistics(1), "never declared").balance, 0);
}

TEST_F(RouterLosses, NothingHappensWithoutStatistics) {
  Tape tape;
  Pass pass{.backend = *backend_, .tape = &tape, .draws = {}};
  const Var logits(backend_->zeros({3, experts}), true);
  const Routing routing = route(pass, logits, 1);
  const std::size_t recorded = tape.size();
  router_losses(pass, "block", logits, routing, balance_weight, z_weight);
  EXPECT_EQ(tape.size(), recorded);
}

}  // namespace
}  // namespace semwave
