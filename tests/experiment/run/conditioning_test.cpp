// What networks are told of the state of the channel ends where their training did, so that more
// SNR never hurts.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "core/tensor/checkpoint.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/outside_training.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

namespace fs = std::filesystem;

const std::string models = std::string(SEMWAVE_SOURCE_DIR) + "/models";

/// The tiny model as a checkpoint that was trained for -5 to 20 dB, or for no range.
Checkpoint tiny_checkpoint(const Scenario& scenario, bool bounded) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  Checkpoint made = to_checkpoint(tiny::model(scenario, *backend));
  if (bounded) made.metadata["semwave.conditioning"] = R"({"snr_db": [-5, 20]})";
  return made;
}

PointResult results_of(const Scenario& scenario, const Checkpoint& checkpoint,
                       const Dataset& data) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool(2);
  return evaluate(scenario, make_model(scenario, *backend, checkpoint), data, pool, {});
}

double mean_psnr(const PointResult& result) {
  double sum = 0;
  for (const ImageRecord& image : result.images)
    sum += image.scores[0] / static_cast<double>(result.images.size());
  return sum;
}

double accuracy(const PointResult& result) {
  double correct = 0;
  for (const ImageRecord& image : result.images) correct += image.decision == image.label;
  return correct / static_cast<double>(result.images.size());
}

TEST(TrainedRange, EndsWhatIsToldAndLeavesWhatLiesInside) {
  const TrainedRange range{-5, 20};
  EXPECT_EQ(range.snr_db(60), 20);
  EXPECT_EQ(range.snr_db(-30), -5);
  for (const double snr_db : {-5.0, 0.0, 3.7, 20.0}) {
    EXPECT_EQ(range.snr_db(snr_db), snr_db);
    // After either equaliser, rounded as the kernels round.
    const double noise = std::pow(10, -snr_db / 10);
    for (const float variance :
         {static_cast<float>(noise), static_cast<float>(noise) / (1 + static_cast<float>(noise)),
          static_cast<float>(noise / (1 + noise))})
      EXPECT_EQ(range.variance(variance), variance) << snr_db;
  }
  EXPECT_EQ(range.variance(1), 1) << "of an image of which nothing arrived";
  EXPECT_NEAR(range.variance(0), 1 / 101.0, 1e-6);
  EXPECT_NEAR(range.variance(1e12), std::pow(10, 0.5), 1e-4);
  EXPECT_EQ((TrainedRange{10, 10}.snr_db(3)), 10);
}

TEST(TrainedRange, IsReadFromTheMetadataWithEveryBoundChecked) {
  Checkpoint checkpoint;
  EXPECT_FALSE(trained_range(checkpoint, "m.safetensors"));
  const auto said = [&](const std::string& text) {
    checkpoint.metadata["semwave.conditioning"] = text;
    return trained_range(checkpoint, "m.safetensors");
  };
  EXPECT_EQ(said(R"({"snr_db": [-5, 20.5]})")->high_db, 20.5);
  EXPECT_EQ(said(R"({"snr_db": [10, 10]})")->low_db, 10);
  for (const char* wrong :
       {"", "{}", "[-5, 20]", "{\"snr_db\": 20}", "{\"snr_db\": [20]}",
        "{\"snr_db\": [-5, 20, 30]}", "{\"snr_db\": [20, -5]}", "{\"snr_db\": [-5, 1e999]}",
        "{\"snr_db\": [-5, NaN]}", "{\"snr_db\": [-5, \"20\"]}", "{\"snr_db\": [-5, 201]}",
        "{\"snr_db\": [-5, 20], \"more\": 1}"})
    EXPECT_TRUE(error_of([&] {
                  (void)said(wrong);
                }).starts_with("m.safetensors: /__metadata__/semwave.conditioning"))
        << wrong;
}

TEST(TrainedRange, BoundsWhatBothEndsAreTold) {
  const Dataset data = tiny::images(24);
  const auto at = [&](const Json& channel, bool bounded, const char* csi = "perfect") {
    Json with = channel;
    if (with.is_object()) with["csi"] = {{"transmitter", csi}};
    const Scenario scenario = tiny::scenario({{"/channel", with}, {"/transmitter/policy/keep", 1}});
    return results_of(scenario, tiny_checkpoint(scenario, bounded), data);
  };
  const auto noise = [](double snr_db) { return Json{{"kind", "awgn"}, {"snr_db", snr_db}}; };
  // Inside, ends included, nothing changes; nor does it for a model that says nothing.
  for (const double snr_db : {-5.0, 8.0, 20.0})
    EXPECT_EQ(mean_psnr(at(noise(snr_db), true)), mean_psnr(at(noise(snr_db), false))) << snr_db;
  // Far outside the symbols are the same but for their noise, and so is what is told of them.
  EXPECT_NEAR(mean_psnr(at(noise(90), true)), mean_psnr(at("ideal", true)), 1e-5);
  EXPECT_GT(std::abs(mean_psnr(at("ideal", false)) - mean_psnr(at("ideal", true))), 1e-4);
  // The receiver by itself: a transmitter that knows nothing believes in the middle of the law,
  // which is what it is told here.
  Json law = noise(90);
  law["snr_db"] = {{"uniform", {-90, 110}}};
  EXPECT_GT(std::abs(mean_psnr(at(law, false, "none")) - mean_psnr(at(law, true, "none"))), 1e-4);
}

TEST(TrainedRange, IsThatOfTheTraining) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const auto trained = [&](const Json& channel, const Json& conventions = Json::object()) {
    const Scenario scenario = tiny::scenario({{"/channel", channel},
                                              {"/train/snr_db", {{"choice", {3, -5, 20}}}},
                                              {"/conventions", conventions}});
    return make_model_to_train(scenario, *backend);
  };
  const Model model = trained({{"kind", "awgn"}, {"snr_db", 10}});
  EXPECT_EQ(to_checkpoint(model).metadata.at("semwave.conditioning"), R"({"snr_db":[-5.0,20.0]})");
  EXPECT_EQ(trained_range(to_checkpoint(model), "")->high_db, 20);
  EXPECT_NEAR(
      trained({{"kind", "awgn"}, {"snr_db", 10}}, {{"snr", "per_real_value"}}).trained->low_db, -2,
      0.05);

  // One Rayleigh gain in a hundred lies below -ln(0.99) = -20 dB; four branches have four times the
  // power in the mean.
  const TrainedRange faded = *trained({{"kind", "rayleigh"}, {"snr_db", 10}}).trained;
  EXPECT_NEAR(faded.low_db, -25, 1.5);
  EXPECT_EQ(faded.high_db, 20);
  EXPECT_NEAR(
      trained({{"kind", "mimo"}, {"snr_db", 10}, {"antennas", {{"transmit", 1}, {"receive", 4}}}})
          .trained->high_db,
      26, 0.05);
  EXPECT_FALSE(trained("ideal").trained);
  EXPECT_EQ(to_checkpoint(trained("ideal")).metadata.count("semwave.conditioning"), 0u);
  EXPECT_FALSE(make_model(tiny::scenario(), *backend).trained) << "a network that was not trained";
}

TEST(TrainedRange, OfAShippedModelIsSaid) {
  int models_seen = 0;
  for (const auto& entry : fs::recursive_directory_iterator(models)) {
    if (entry.path().extension() != ".safetensors") continue;
    const Checkpoint checkpoint = read_checkpoint(entry.path().string());
    if (checkpoint.metadata.contains("semwave.training")) continue;  // a state, no model
    const bool links =
        std::none_of(checkpoint.arrays.begin(), checkpoint.arrays.end(),
                     [](const NamedArray& array) { return array.name.starts_with("classifier."); });
    EXPECT_EQ(trained_range(checkpoint, entry.path().string()).has_value(), links)
        << entry.path() << ": benchmarks/checkpoint.py range";
    ++models_seen;
  }
  EXPECT_GE(models_seen, 7);
}

TEST(TrainedRange, MoreSnrNeverHurtsAShippedModel) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const Dataset data =
      load_dataset({.name = "fashion-mnist", .split = Split::validation, .count = 500});
  const Checkpoint checkpoint = read_checkpoint(models + "/fashion.safetensors");
  const auto at = [&](const Json& channel) {
    return results_of(read_scenario(std::string(SEMWAVE_SOURCE_DIR) + "/scenarios/image_awgn.json",
                                    {{"/channel", channel},
                                     {"/metrics", {"accuracy", "psnr"}},
                                     {"/transmitter/policy/keep", 1},
                                     {"/transmitter/policy/symbols_per_token", 4}}),
                      checkpoint, data);
  };
  double best_psnr = 0, best_accuracy = 0;
  for (const Json& channel :
       {Json{{"kind", "awgn"}, {"snr_db", 20}}, Json{{"kind", "awgn"}, {"snr_db", 30}},
        Json{{"kind", "awgn"}, {"snr_db", 40}}, Json{{"kind", "awgn"}, {"snr_db", 60}},
        Json("ideal")}) {
    const PointResult result = at(channel);
    EXPECT_GE(mean_psnr(result), best_psnr - 0.02) << channel;
    EXPECT_GE(accuracy(result), best_accuracy - 0.005) << channel;
    best_psnr = std::max(best_psnr, mean_psnr(result));
    best_accuracy = std::max(best_accuracy, accuracy(result));
  }
  EXPECT_GT(best_accuracy, 0.85);
}

TEST(OutsideTraining, IsSaidOnceForEachRangeWithBothNumbers) {
  OutsideTraining outside;
  const auto add = [&](const Json& channel, const std::optional<TrainedRange>& trained) {
    outside.add(tiny::scenario({{"/channel", channel}}), trained);
  };
  const auto noise = [](double snr_db) { return Json{{"kind", "awgn"}, {"snr_db", snr_db}}; };
  add(noise(-5), TrainedRange{-5, 20});
  add(noise(20), TrainedRange{-5, 20});
  add(noise(90), std::nullopt);
  EXPECT_TRUE(outside.lines().empty());
  add(noise(30), TrainedRange{-5, 20});
  add(noise(25), TrainedRange{-5, 20});
  EXPECT_EQ(outside.lines(),
            std::vector<std::string>{"a channel SNR of up to 30 dB: the model was trained for -5 "
                                     "to 20 dB; beyond it is conditioned as at 20 dB"});
  add("ideal", TrainedRange{-5, 20});
  add({{"kind", "rayleigh"}, {"snr_db", {{"uniform", {-12, 4}}}}}, TrainedRange{-5, 20});
  add(noise(11), TrainedRange{10, 10});
  EXPECT_EQ(outside.lines(),
            (std::vector<std::string>{"a channel without noise: the model was trained for -5 to 20 "
                                      "dB; beyond it is conditioned as at 20 dB",
                                      "a channel SNR down to -12 dB: the model was trained for -5 "
                                      "to 20 dB; below it is conditioned as at -5 dB",
                                      "a channel SNR of up to 11 dB: the model was trained for 10 "
                                      "dB; beyond it is conditioned as at 10 dB"}));
}

}  // namespace
}  // namespace semwave
