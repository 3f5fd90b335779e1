// Training on random patches of pictures of any size: it learns, to the same bits over threads and
// an interruption, and is watched by whole pictures.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "experiment/train/trainer.h"
#include "experiment/train/training_step.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/picture_world.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

class Patches : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("patches");
    pictures::write(folder_ + "/data/train/a", {{16, 12}, {20, 31}, {33, 18}, {16, 40}});
    pictures::write(folder_ + "/data/test/a", {{16, 12}, {13, 17}}, 3, 50);
    pictures::write(folder_ + "/else", {{9, 22}, {16, 12}, {30, 8}}, 3, 70);
    json_ = pictures::scenario_json(folder_ + "/data");
    json_["source"]["split"] = "all_train";
    json_["source"]["validation"] = "test";
    json_["train"] = {{"epochs", 16},
                      {"batch", 4},
                      {"optimiser", {{"learning_rate", 0.005}, {"weight_decay", 0}, {"clip", 10}}},
                      {"augmentation", {{"crop", {12, 8}}, {"crops", 12}, {"flip", true}}},
                      {"losses", {{"class", 0}, {"image", 1}}},
                      {"snr_db", {{"uniform", {0, 15}}}}};
  }
  Scenario scenario() const { return parse_scenario(json_, "patches.json"); }
  bool run(const std::string& out, int threads, bool resume = false,
           const std::atomic<bool>* interrupt = nullptr,
           std::function<void(const TrainingProgress&)> report = {}) {
    ThreadPool pool(threads);
    return train(scenario(), *backend_, pool,
                 {.out = folder_ + "/" + out,
                  .resume = resume,
                  .interrupt = interrupt,
                  .report = std::move(report)});
  }
  std::string model(const std::string& out) {
    return tiny::read_text(folder_ + "/" + out + "/model.safetensors");
  }

  std::string folder_;
  Json json_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

/// Either network.
class PatchesOfEach : public Patches, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    Patches::SetUp();
    if (GetParam() == "convolutions") return;
    const Json tokens = pictures::tokens_json(folder_ + "/data");
    for (const char* part : {"model", "transmitter", "receiver"}) json_[part] = tokens[part];
    json_["train"]["augmentation"]["crop"] = {16, 12};
    json_["train"]["keep"] = 0.75;
    json_["train"]["symbols_per_token"] = {{"choice", {4, 20}}};
    for (const char* loss : {"balance", "z", "gate"}) json_["train"]["losses"][loss] = 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Networks, PatchesOfEach, testing::Values("convolutions", "tokens"),
                         [](const auto& info) { return info.param; });

TEST_P(PatchesOfEach, ThreadsAndAResumeGiveTheSameWeightsAndItLearns) {
  std::vector<double> losses, psnr;
  ASSERT_TRUE(run("one", 1, false, nullptr, [&](const TrainingProgress& p) {
    if (!p.epoch_end) return;
    losses.push_back(p.loss);
    psnr.push_back(p.validation_psnr_db);
    if (GetParam() == "convolutions") {
      EXPECT_EQ(p.validation_accuracy, -1) << "no class comes out";
    }
  }));
  ASSERT_EQ(losses.size(), 16u);
  EXPECT_LT(losses.back(), losses.front() - 0.3);
  EXPECT_GT(psnr.back(), psnr.front());
  ASSERT_TRUE(run("two", 3));
  EXPECT_EQ(model("one"), model("two"));

  std::atomic<bool> stop = false;
  ASSERT_FALSE(run("cut", 2, false, &stop, [&](const TrainingProgress& p) { stop = p.step >= 9; }));
  EXPECT_NE(model("cut"), model("one"));
  ASSERT_TRUE(run("cut", 1, true));
  EXPECT_EQ(model("cut"), model("one"));
}

TEST_P(PatchesOfEach, EveryLayerHasAGradientAndItIsTheSlopeOfTheLoss) {
  json_["train"]["batch"] = 4;
  json_["train"]["losses"]["image"] = 1;
  const Scenario one = scenario();
  Model model = make_model_to_train(one, *backend_);
  // From zero neither slopes nor attention would show.
  for (Parameter& p : model.parameters->all())
    for (std::int64_t i = 0; i < p.value.size(); ++i)
      if (p.value.data()[i] == 0)
        p.value.data()[i] = static_cast<float>(
            0.1 * uniform(philox(9, Purpose::initialisation, static_cast<std::uint32_t>(p.offset),
                                 0, static_cast<std::uint32_t>(i))[0]) -
            0.05);
  const Dataset data = load_dataset(one.source);
  ThreadPool pool(1);
  TrainingStep step(one, model, data, pool, 4);
  const std::vector<std::int32_t> indices{0, 5, 10, 47};
  const auto loss = [&] {
    model.parameters->pack(true);
    return step.run(indices, 1).image_loss;
  };
  (void)loss();
  std::vector<float> gradient(static_cast<std::size_t>(model.parameters->size()));
  backend_->to_host(step.lanes()[0].flat(), gradient.data());
  // Along its own direction, one parameter at a time.
  for (Parameter& p : model.parameters->all()) {
    if (p.name == "receiver.mean_image" || p.name.starts_with("receiver.class_head")) continue;
    const float* g = gradient.data() + p.offset;
    double squares = 0;
    for (std::int64_t i = 0; i < p.value.size(); ++i) squares += double{g[i]} * g[i];
    const double length = std::sqrt(squares);
    EXPECT_GT(length, 1e-6) << p.name;
    const std::vector<float> kept(p.value.data(), p.value.data() + p.value.size());
    const auto moved = [&](double by) {
      for (std::int64_t i = 0; i < p.value.size(); ++i)
        p.value.data()[i] =
            kept[static_cast<std::size_t>(i)] + static_cast<float>(by * g[i] / length);
      return loss();
    };
    const double distance = 2e-3, slope = (moved(distance) - moved(-distance)) / (2 * distance);
    EXPECT_NEAR(slope, length, 0.03 * length + 2e-3) << p.name;
    std::copy(kept.begin(), kept.end(), p.value.data());
  }
}

TEST_F(Patches, AreDrawnByImageAndEpochWithinTheImage) {
  std::set<std::pair<int, int>> corners;
  for (std::uint32_t epoch = 0; epoch < 400; ++epoch) {
    const PatchCorner corner = patch_corner(14, 9, 12, 8, 3, 7, epoch);
    EXPECT_TRUE(corner.top >= 0 && corner.top <= 2 && corner.left >= 0 && corner.left <= 1);
    corners.emplace(corner.top, corner.left);
  }
  EXPECT_EQ(corners.size(), 6u) << "every place is drawn";
  const PatchCorner whole = patch_corner(12, 8, 12, 8, 3, 7, 0);
  EXPECT_TRUE(whole.top == 0 && whole.left == 0);

  const Dataset data = load_dataset(scenario().source);
  std::vector<float> patch(2 * 3 * 3);
  patch_to_float(data, 1, {4, 5}, 2, 3, patch.data());
  for (int y = 0; y < 2; ++y)
    for (int v = 0; v < 9; ++v)
      EXPECT_EQ(patch[static_cast<std::size_t>(9 * y + v)],
                static_cast<float>(data.image(1)[(4 + y) * 31 * 3 + 5 * 3 + v]) / 255.0f);
}

TEST_F(Patches, AreWatchedByASplitOrAFolder) {
  const auto watched = [&](const char* out) {
    double psnr = 0;
    json_["train"]["epochs"] = 1;
    EXPECT_TRUE(run(out, 1, false, nullptr, [&](const TrainingProgress& p) {
      if (p.epoch_end) psnr = p.validation_psnr_db;
    }));
    return psnr;
  };
  const double by_split = watched("split");
  json_["source"]["validation"] = folder_ + "/else";
  const double by_folder = watched("folder");
  json_["source"].erase("validation");
  EXPECT_EQ(watched("none"), 0) << "all_train leaves nothing apart";
  EXPECT_EQ(model("split"), model("folder")) << "watching changes nothing";
  EXPECT_NE(by_split, by_folder);
  EXPECT_GT(by_split, 5);
  EXPECT_GT(by_folder, 5);
}

TEST_F(Patches, WhatDoesNotFitIsSaid) {
  const auto fails = [&](const std::string& pointer, const Json& value, const std::string& words) {
    const Json kept = json_;
    json_[Json::json_pointer(pointer)] = value;
    expect_contains(error_of([&] { run("bad", 1); }), words);
    json_ = kept;
  };
  fails("/train/augmentation/crop", {18, 8}, "smaller than a patch");
  fails("/train/augmentation/crop", {12, 3}, "the network's strides need 4 pixels each way");
  fails("/train/augmentation", {{"flip", true}}, "is needed where images differ in size");
  fails("/train/augmentation", {{"crops", 3}}, "give their size in crop");
  fails("/source/validation", folder_ + "/nowhere", "there is no folder");
  json_["metrics"] = {"accuracy"};
  json_["model"]["architecture"].erase("deepjscc");
  fails("/transmitter", "label", "take images of one size");
}

}  // namespace
}  // namespace semwave
