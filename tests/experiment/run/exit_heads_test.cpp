// Exit heads are trained with the rest: their loss, its derivative, and what a network without them
// may still do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "experiment/train/training_step.h"
#include "tests/core/expect_error.h"
#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

using Changes = std::vector<std::pair<std::string, Json>>;

Scenario with_heads(const Json& exit_weight, const Changes& changes = {}) {
  Changes all{{"/model/architecture/transmitter/exit_heads", true},
              {"/train/losses/exit", exit_weight}};
  all.insert(all.end(), changes.begin(), changes.end());
  return tiny::scenario(all);
}

class ExitHeads : public ::testing::Test {
 protected:
  ExitHeads() : backend_(make_cpu_backend()), data_(tiny::images(32)) {}

  std::vector<double> gradient(const Scenario& scenario, const Model& model, int shard,
                               BatchLoss* loss = nullptr) {
    ThreadPool pool(1);
    TrainingStep step(scenario, model, data_, pool, shard);
    const BatchLoss l = step.run(tiny::first(24), 3);
    if (loss) *loss = l;
    std::vector<double> sum(static_cast<std::size_t>(step.lanes()[0].flat().size()));
    for (const Gradients& lane : step.lanes())
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += lane.flat().data()[i];
    return sum;
  }
  static double largest(const Model& model, const std::vector<double>& gradient,
                        const std::string& prefix) {
    double found = -1;
    for (const Parameter& p : model.parameters->all())
      if (p.name.starts_with(prefix))
        for (std::int64_t i = 0; i < p.value.size(); ++i)
          found = std::max(found, std::abs(gradient[static_cast<std::size_t>(p.offset + i)]));
    return found;
  }

  std::unique_ptr<Backend> backend_;
  Dataset data_;
};

TEST_F(ExitHeads, ShardSizesGiveEqualGradients) {
  const Scenario scenario = with_heads({0.7, 0.3});
  const Model model = tiny::model(scenario, *backend_);
  BatchLoss loss;
  const std::vector<double> one = gradient(scenario, model, 1, &loss);
  const double scale = std::abs(*std::max_element(
      one.begin(), one.end(), [](double a, double b) { return std::abs(a) < std::abs(b); }));
  for (const int shard : {3, 4, 24}) {
    BatchLoss other_loss;
    const std::vector<double> other = gradient(scenario, model, shard, &other_loss);
    double worst = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
      worst = std::max(worst, std::abs(one[i] - other[i]));
    EXPECT_LT(worst / scale, 1e-5) << "shard " << shard;
    EXPECT_NEAR(other_loss.exit_loss, loss.exit_loss, 1e-5 * loss.exit_loss) << "shard " << shard;
  }
  EXPECT_GT(loss.exit_loss, 0.1);
}

TEST_F(ExitHeads, GradientIsTheSlopeOfTheLoss) {
  const Scenario scenario =
      with_heads({0.7, 0.3}, {{"/transmitter/gate", Json{{"kind", "keep_all"}}},
                              {"/train/losses/class", 0},
                              {"/train/losses/image", 0},
                              {"/train/losses/balance", 0},
                              {"/train/losses/z", 0},
                              {"/train/losses/gate", 0}});
  const Model model = tiny::model(scenario, *backend_);
  const std::vector<double> g = gradient(scenario, model, 4);
  EXPECT_GT(largest(model, g, "transmitter.blocks.0."), 1e-5)
      << "the backbone learns from its exits";
  EXPECT_GT(largest(model, g, "transmitter.exits.2."), 1e-5);
  EXPECT_EQ(largest(model, g, "receiver."), 0);
  double norm = 0;
  for (const double v : g) norm += v * v;
  const auto loss_at = [&](double distance) {
    const auto move = [&](double by) {
      for (Parameter& p : model.parameters->all())
        for (std::int64_t i = 0; i < p.value.size(); ++i)
          p.value.data()[i] +=
              static_cast<float>(by * g[static_cast<std::size_t>(p.offset + i)] / std::sqrt(norm));
      model.parameters->pack(true);
    };
    move(distance);
    BatchLoss loss;
    (void)gradient(scenario, model, 4, &loss);
    move(-distance);
    return loss.total(*scenario.train);
  };
  const double h = 1e-3, slope = (loss_at(h) - loss_at(-h)) / (2 * h);
  EXPECT_NEAR(slope / std::sqrt(norm), 1, 1e-2);
}

TEST_F(ExitHeads, EachDepthHasItsWeight) {
  const Scenario scenario = with_heads({0, 1});
  const Model model = tiny::model(scenario, *backend_);
  const std::vector<double> g = gradient(scenario, model, 4);
  EXPECT_EQ(largest(model, g, "transmitter.exits.1."), 0);
  EXPECT_GT(largest(model, g, "transmitter.exits.2."), 0);
  BatchLoss first, second, both, doubled;
  (void)gradient(with_heads({1, 0}), model, 4, &first);
  (void)gradient(scenario, model, 4, &second);
  (void)gradient(with_heads(1), model, 4, &both);
  (void)gradient(with_heads({2, 2}), model, 4, &doubled);
  EXPECT_NEAR(first.exit_loss + second.exit_loss, both.exit_loss, 1e-6);
  EXPECT_NEAR(doubled.exit_loss, 2 * both.exit_loss, 1e-6);
  EXPECT_GT(first.exit_loss, second.exit_loss) << "fewer images are inside at the second depth";
}

TEST_F(ExitHeads, WithoutTheirLossTheyAreNotComputed) {
  const Scenario without = tiny::scenario(), untrained = with_heads(0), trained = with_heads(1);
  const Model bare = tiny::model(without, *backend_), headed = tiny::model(untrained, *backend_);
  BatchLoss a, b, c;
  (void)gradient(without, bare, 4, &a);
  (void)gradient(untrained, headed, 4, &b);
  (void)gradient(trained, headed, 4, &c);
  EXPECT_EQ(a.operations, b.operations);
  EXPECT_EQ(b.exit_loss, 0);
  EXPECT_GT(c.operations, b.operations);
  EXPECT_EQ(bare.transmitter->dense_operations(6, 6), headed.transmitter->dense_operations(6, 6));
}

TEST_F(ExitHeads, ANetworkThatHadNoneMayBeTrainedOn) {
  const Scenario without = tiny::scenario(), with = with_heads(1);
  const Model bare = tiny::model(without, *backend_);
  const Checkpoint old = to_checkpoint(bare);
  Model headed = make_model(with, *backend_);
  expect_contains(error_of([&] { load_parameters(*headed.parameters, old, "old"); }),
                  "old: no parameter transmitter.exits.1.norm.weight");
  const std::vector<float> fresh =
      to_checkpoint(headed).find("transmitter.exits.1.out.weight")->values;
  load_initial(*headed.parameters, old, "old");
  const Checkpoint made = to_checkpoint(headed);
  EXPECT_EQ(made.find("transmitter.exits.1.out.weight")->values, fresh);
  EXPECT_EQ(made.find("transmitter.mapper.weight")->values,
            old.find("transmitter.mapper.weight")->values);
  Model back = make_model(without, *backend_);
  EXPECT_NO_THROW(load_initial(*back.parameters, made, "made"));
}

TEST_F(ExitHeads, AnArchitectureWithoutTheWordHasNone) {
  Json old = Architecture::from_json(tiny::scenario().resolved["model"]["architecture"], {"x", ""})
                 .to_json();
  old["transmitter"].erase("exit_heads");
  EXPECT_FALSE(Architecture::from_json(resolve(old, Architecture::fields(), {"x", ""}), {"x", ""})
                   .exit_heads);
  old["transmitter"]["exit_heads"] = true;
  EXPECT_TRUE(Architecture::from_json(resolve(old, Architecture::fields(), {"x", ""}), {"x", ""})
                  .to_json()["transmitter"]["exit_heads"]);
}

TEST_F(ExitHeads, WeightsThatFitNoNetworkAreRefused) {
  expect_contains(error_of([&] {
                    (void)tiny::scenario({{"/train/losses/exit", 1}});
                  }),
                  "/train/losses/exit: the model has no exit heads");
  expect_contains(error_of([&] {
                    (void)with_heads({1, 1, 1});
                  }),
                  "/train/losses/exit: expected a number, or one for each of the network's 2 "
                  "transmitter blocks; found 3");
  expect_contains(error_of([&] { (void)with_heads(Json::array({1})); }), "found 1");
  expect_contains(error_of([&] { (void)with_heads(-1); }), "/train/losses/exit");
  expect_contains(error_of([&] { (void)with_heads({1, -1}); }), "/train/losses/exit");
  EXPECT_NO_THROW(tiny::scenario({{"/train/losses/exit", 0}}));
}

}  // namespace
}  // namespace semwave
