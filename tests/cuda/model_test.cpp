// A whole scenario on CUDA: the same images, decisions and gradients as on the CPU, to rounding,
// and no tensor touched but by the backend (where kernels run on the processor, the device's memory
// is out of the host's reach).
#ifdef CUDA_ON_CPU
#include <cuda_runtime.h>
#endif
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/tensor/optimiser.h"
#include "experiment/run/evaluate.h"
#include "experiment/train/training_step.h"
#include "tests/experiment/picture_world.h"
#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

class CudaModel : public testing::Test {
 protected:
  /// The same numbers as `made` on the CUDA device.
  Model on_device(const Scenario& scenario, const Model& made) {
    Model model = make_model(scenario, *cuda_, to_checkpoint(made));
    model.parameters->pack(scenario.train.has_value());
    return model;
  }
#ifdef CUDA_ON_CPU
  cuda_on_cpu::Guard guard_;
#endif
  std::unique_ptr<Backend> cpu_ = make_cpu_backend(), cuda_ = make_cuda_backend();
};

std::vector<double> total(Backend& backend, const std::vector<Gradients>& lanes) {
  std::vector<double> sum(static_cast<std::size_t>(lanes[0].flat().size()));
  std::vector<float> values(sum.size());
  for (const Gradients& lane : lanes) {
    backend.to_host(lane.flat(), values.data());
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
  }
  return sum;
}

double worst_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(a[i]));
  }
  return worst / scale;
}

TEST_F(CudaModel, EvaluatesAsTheCpuDoes) {
  const Dataset data = tiny::images(48);
  const Scenario scenario = tiny::scenario(
      {{"/channel",
        Json{{"kind", "rayleigh"}, {"snr_db", {{"uniform", {-5, 20}}}}, {"coherence", "image"}}}});
  const Model model = tiny::model(scenario, *cpu_), copy = on_device(scenario, model);
  ThreadPool pool(1);
  const PointResult expected = evaluate(scenario, model, data, pool, {}),
                    actual = evaluate(scenario, copy, data, pool, {});
  ASSERT_EQ(actual.images.size(), expected.images.size());
  int others = 0, lost = 0;
  for (std::size_t i = 0; i < expected.images.size(); ++i) {
    const ImageRecord &a = actual.images[i], &e = expected.images[i];
    lost += e.header_lost;
    EXPECT_EQ(a.header_lost, e.header_lost);
    EXPECT_EQ(a.tokens, e.tokens);
    EXPECT_EQ(a.uses.total(), e.uses.total());
    others += a.decision != e.decision;
    EXPECT_NEAR(a.scores[0], e.scores[0], 1e-3) << "image " << i;
  }
  EXPECT_EQ(others, 0);
  EXPECT_GT(lost, 0);
  EXPECT_EQ(actual.receiver_operations, expected.receiver_operations);
}

TEST_F(CudaModel, ShardsChangeNothing) {
  const Dataset data = tiny::images(20);
  const Scenario scenario = tiny::scenario();
  const Model model = on_device(scenario, tiny::model(scenario, *cpu_));
  ThreadPool one(1), two(2);
  const PointResult whole = evaluate(scenario, model, data, one, {}),
                    cut = evaluate(scenario, model, data, two, {.shard = 3});
  for (std::size_t i = 0; i < whole.images.size(); ++i) {
    EXPECT_EQ(whole.images[i].decision, cut.images[i].decision);
    EXPECT_EQ(whole.images[i].scores[0], cut.images[i].scores[0]) << "image " << i;
  }
}

TEST_F(CudaModel, TrainsAsTheCpuDoes) {
  const Dataset data = tiny::images(32);
  const Scenario scenario =
      tiny::scenario({{"/train/losses/balance", 0.5}, {"/train/losses/z", 0.1}});
  const Model model = tiny::model(scenario, *cpu_), copy = on_device(scenario, model);
  ThreadPool pool(1);
  TrainingStep step(scenario, model, data, pool, 4), of_copy(scenario, copy, data, pool, 0);
  Optimiser optimiser(*model.parameters, {}, &pool), of_copy_optimiser(*copy.parameters, {}, &pool);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const BatchLoss expected = step.run(tiny::first(24), epoch),
                    actual = of_copy.run(tiny::first(24), epoch);
    EXPECT_NEAR(actual.total(*scenario.train), expected.total(*scenario.train), 1e-4);
    EXPECT_LT(worst_difference(total(*cpu_, step.lanes()), total(*cuda_, of_copy.lanes())), 1e-4)
        << "epoch " << epoch;
    const StepReport report = optimiser.step(step.lanes()),
                     of_copy_report = of_copy_optimiser.step(of_copy.lanes());
    EXPECT_NEAR(of_copy_report.gradient_norm, report.gradient_norm, 1e-4 * report.gradient_norm);
  }
}

TEST_F(CudaModel, TrainsOnPicturesInWindowsAsTheCpuDoes) {
  const std::string folder = fresh_folder("cuda_pictures");
  pictures::write(folder + "/train/a", {{16, 12}, {20, 31}, {33, 18}, {16, 40}});
  Json value = pictures::tokens_json(folder);
  value["source"]["split"] = "all_train";
  value["train"] = {{"batch", 8},
                    {"augmentation", {{"crop", {16, 12}}, {"crops", 4}}},
                    {"losses", {{"class", 0}, {"image", 1}}},
                    {"keep", 0.75},
                    {"snr_db", {{"uniform", {0, 15}}}}};
  const Scenario scenario = parse_scenario(value, "pictures.json");
  const Dataset data = load_dataset(scenario.source);
  const Model model = make_model_to_train(scenario, *cpu_), copy = on_device(scenario, model);
  model.parameters->pack(true);
  ThreadPool pool(1);
  TrainingStep step(scenario, model, data, pool, 4), of_copy(scenario, copy, data, pool, 0);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const BatchLoss expected = step.run(tiny::first(8), epoch),
                    actual = of_copy.run(tiny::first(8), epoch);
    EXPECT_NEAR(actual.total(*scenario.train), expected.total(*scenario.train), 1e-4);
    EXPECT_LT(worst_difference(total(*cpu_, step.lanes()), total(*cuda_, of_copy.lanes())), 1e-4)
        << "epoch " << epoch;
  }
}

}  // namespace
}  // namespace semwave
