// Gradients of a batch do not depend on how it is cut, nor on who computes it.
#include "experiment/training_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

std::vector<double> total(const std::vector<Gradients>& lanes) {
  std::vector<double> sum(static_cast<std::size_t>(lanes[0].flat().size()));
  for (const Gradients& lane : lanes)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += lane.flat().data()[i];
  return sum;
}

class Batch : public ::testing::Test {
 protected:
  Batch() : backend_(make_cpu_backend()), data_(tiny::images(32)), scenario_(tiny::scenario({{"/train/losses/balance", 0.5}, {"/train/losses/z", 0.1}})), model_(tiny::model(scenario_, *backend_)) {}
  std::vector<double> gradient(int shard, int threads, BatchLoss* loss = nullptr) {
    ThreadPool pool(threads);
    TrainingStep step(scenario_, model_, data_, pool, shard);
    const std::vector<std::int32_t> indices = tiny::first(24);
    const BatchLoss l = step.run(indices, 3);
    if (loss) *loss = l;
    return total(step.lanes());
  }
  std::unique_ptr<Backend> backend_;
  Dataset data_;
  Scenario scenario_;
  Model model_;
};

TEST_F(Batch, ShardSizesGiveEqualGradients) {
  const std::vector<double> one = gradient(1, 1);
  double scale = 0;
  for (const double g : one) scale = std::max(scale, std::abs(g));
  ASSERT_GT(scale, 1e-3);
  for (const int shard : {3, 4, 24}) {
    const std::vector<double> other = gradient(shard, 1);
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i) worst = std::max(worst, std::abs(one[i] - other[i]));
    EXPECT_LT(worst / scale, 1e-5) << "shard " << shard;
    RecordProperty("relative_difference_shard_" + std::to_string(shard), std::to_string(worst / scale));
  }
}

TEST_F(Batch, ThreadsGiveTheSameBits) {
  const std::vector<double> one = gradient(4, 1);
  EXPECT_EQ(one, gradient(4, 2));
  EXPECT_EQ(one, gradient(4, 3));
}

TEST_F(Batch, TheBalanceLossCouplesTheBatch) {
  BatchLoss loss;
  const std::vector<double> with = gradient(4, 1, &loss);
  EXPECT_GE(loss.balance, 0.5);
  EXPECT_GT(loss.z, 0);
  scenario_ = tiny::scenario({{"/train/losses/balance", 0}, {"/train/losses/z", 0}});
  EXPECT_NE(with, gradient(4, 1));
}

/// Directional derivative of the whole loss against a difference: the tape through transmitter, channel and receiver is right.
TEST_F(Batch, GradientIsTheSlopeOfTheLoss) {
  // Keep everything and weigh only terms whose derivative is exact: straight-through, the floor of the logarithm's weights and
  // routing choices have none (conditional computation is not differentiable in what it picks).
  scenario_ = tiny::scenario({{"/transmitter/gate", Json{{"kind", "keep_all"}}}, {"/train/losses", Json{{"class", 1}, {"image", 0.5}, {"balance", 0}, {"z", 0.1}, {"gate", 0}}},
                              {"/receiver/router", Json{{"kind", "top_k"}, {"k", 4}}}});
  model_ = tiny::model(scenario_, *backend_);
  const std::vector<double> g = gradient(4, 1);
  std::vector<float> direction(g.size());
  double norm = 0;
  for (const double v : g) norm += v * v;
  for (std::size_t i = 0; i < g.size(); ++i) direction[i] = static_cast<float>(g[i] / std::sqrt(norm));
  const auto loss_at = [&](double distance) {
    for (Parameter& p : model_.parameters->all())
      for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.data()[i] += static_cast<float>(distance * direction[static_cast<std::size_t>(p.offset + i)]);
    model_.parameters->pack(true);
    BatchLoss loss;
    (void)gradient(4, 1, &loss);
    for (Parameter& p : model_.parameters->all())
      for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.data()[i] -= static_cast<float>(distance * direction[static_cast<std::size_t>(p.offset + i)]);
    return loss.total(*scenario_.train);
  };
  const double h = 2e-4;
  const double slope = (loss_at(h) - loss_at(-h)) / (2 * h);
  EXPECT_NEAR(slope / std::sqrt(norm), 1, 2e-2);
}

}  // namespace
}  // namespace semwave
