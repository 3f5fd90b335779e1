// Training goes on to the same bits: over threads, and over an interruption.
#include "experiment/train/trainer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/tensor/checkpoint.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/tiny_model.h"

namespace semwave {
namespace {

namespace fs = std::filesystem;

std::string bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class Training : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = fresh_folder("training");
    const Dataset data = tiny::images(150);
    for (int i = 0; i < data.count(); ++i) {
      const fs::path folder =
          root_ / "data" / "train" /
          data.class_names[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)])];
      fs::create_directories(folder);
      Picture picture{12, 12, 1, {data.image(i), data.image(i) + 144}};
      write_png((folder / (std::to_string(1000 + i) + ".png")).string(), picture);
    }
    scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}});
    backend_ = make_cpu_backend();
  }

  bool run(const std::string& out, int threads, bool resume = false,
           const std::atomic<bool>* interrupt = nullptr,
           std::function<void(const TrainingProgress&)> report = {}, int shard = 4) {
    ThreadPool pool(threads);
    return train(scenario_, *backend_, pool,
                 {.out = (root_ / out).string(),
                  .resume = resume,
                  .shard = shard,
                  .interrupt = interrupt,
                  .report = std::move(report),
                  .note = [this](const std::string& line) { notes_.push_back(line); }});
  }
  std::string model(const std::string& out) { return bytes(root_ / out / "model.safetensors"); }

  fs::path root_;
  Scenario scenario_;
  std::unique_ptr<Backend> backend_;
  std::vector<std::string> notes_;
};

TEST_F(Training, ThreadsAndAResumeGiveTheSameWeights) {
  std::vector<double> losses;
  ASSERT_TRUE(
      run("one", 1, false, nullptr, [&](const TrainingProgress& p) { losses.push_back(p.loss); }));
  EXPECT_LT(losses.back(), losses.front() - 0.2) << "it learns";
  ASSERT_TRUE(run("two", 2));
  EXPECT_EQ(model("one"), model("two"));

  // Interrupted in the middle of the second epoch, then resumed: the same files, the same lines but
  // for their times.
  std::atomic<bool> stop = false;
  ASSERT_FALSE(
      run("cut", 2, false, &stop, [&](const TrainingProgress& p) { stop = p.step >= 11; }));
  EXPECT_NE(model("cut"), model("one"));
  ASSERT_TRUE(run("cut", 1, true));
  EXPECT_EQ(model("cut"), model("one"));
  EXPECT_EQ(bytes(root_ / "cut" / "training.safetensors"),
            bytes(root_ / "one" / "training.safetensors"));
  std::ifstream a(root_ / "one" / "training.jsonl"), b(root_ / "cut" / "training.jsonl");
  std::string x, y;
  int lines = 0;
  while (std::getline(a, x)) {
    ASSERT_TRUE(std::getline(b, y));
    EXPECT_EQ(Json::parse(x).at("step"), Json::parse(y).at("step"));
    ++lines;
  }
  EXPECT_FALSE(std::getline(b, y));
  EXPECT_GE(lines, 10);
}

TEST_F(Training, GoesOnFromWeightsAlone) {
  std::atomic<bool> stop = false;
  ASSERT_FALSE(
      run("out", 2, false, &stop, [&](const TrainingProgress& p) { stop = p.step >= 11; }));
  const std::string before = bytes(root_ / "out" / "training.jsonl");
  const std::string file = (root_ / "out" / "training.safetensors").string();
  const Checkpoint whole = read_checkpoint(file);
  Checkpoint stripped{.metadata = whole.metadata, .arrays = {}};
  for (const NamedArray& array : whole.arrays)
    if (array.name.starts_with("transmitter.") || array.name.starts_with("receiver."))
      stripped.arrays.push_back(array);
  ASSERT_LT(2 * stripped.arrays.size(), whole.arrays.size());
  write_checkpoint(file, stripped);
  fs::copy(root_ / "out", root_ / "again");

  // What another version or place calls its scenario does not matter to weights, only to moments.
  fs::copy(root_ / "out", root_ / "moved");
  Checkpoint moved = stripped;
  moved.metadata["semwave.scenario_sha256"] = std::string(64, '0');
  write_checkpoint((root_ / "moved" / "training.safetensors").string(), moved);
  ASSERT_TRUE(run("moved", 2, true));
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_NE(notes_[0].find("another scenario or version made them"), std::string::npos);
  notes_.clear();

  // To the end in one go, and with another interruption, whose state has moments again.
  std::vector<TrainingProgress> seen;
  ASSERT_TRUE(run("out", 2, true, nullptr, [&](const TrainingProgress& p) { seen.push_back(p); }));
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_NE(notes_[0].find("weights alone: the training goes on at step 11 "), std::string::npos)
      << notes_[0];
  stop = false;
  ASSERT_FALSE(
      run("again", 1, true, &stop, [&](const TrainingProgress& p) { stop = p.step >= 14; }));
  ASSERT_TRUE(run("again", 2, true));
  EXPECT_EQ(notes_.size(), 2u) << "the second resume had moments";
  EXPECT_EQ(model("again"), model("out"));
  EXPECT_EQ(bytes(root_ / "again" / "training.safetensors"),
            bytes(root_ / "out" / "training.safetensors"));

  // The lines that were there stay; the next step is the twelfth, at its place in the schedule.
  EXPECT_TRUE(bytes(root_ / "out" / "training.jsonl").starts_with(before));
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.front().step, 12);
  ASSERT_TRUE(run("never interrupted", 2, false, nullptr, [&](const TrainingProgress& p) {
    if (p.step == 12) {
      EXPECT_EQ(p.learning_rate, seen.front().learning_rate);
    }
  }));
  EXPECT_NE(model("never interrupted"), model("out")) << "moments do matter";
  EXPECT_EQ(read_checkpoint(file).metadata.at("semwave.step"),
            read_checkpoint((root_ / "never interrupted" / "training.safetensors").string())
                .metadata.at("semwave.step"));

  // Some of the moments are not none of them.
  Checkpoint broken = whole;
  std::erase_if(broken.arrays,
                [](const NamedArray& array) { return array.name.starts_with("second_moment."); });
  write_checkpoint(file, broken);
  expect_contains(error_of([&] { (void)run("out", 1, true); }), "second_moment.");
}

TEST_F(Training, DecodedPicturesAreTheSameAfterAResume) {
  scenario_ =
      tiny::scenario({{"/source/path", (root_ / "data").string()},
                      {"/transmitter", "label"},
                      {"/receiver", Json::object()},
                      {"/metrics", {"accuracy"}},
                      {"/train/losses", {{"image", 0}, {"gate", 0}}},
                      {"/train/decoded", {{"share", 0.5}, {"quality", {{"uniform", {0, 60}}}}}}});
  ASSERT_TRUE(run("one", 1));
  std::atomic<bool> stop = false;
  ASSERT_FALSE(
      run("cut", 2, false, &stop, [&](const TrainingProgress& p) { stop = p.step >= 11; }));
  ASSERT_TRUE(run("cut", 2, true));
  EXPECT_EQ(model("cut"), model("one"));
}

TEST_F(Training, AStateOfAnotherScenarioIsRefused) {
  std::atomic<bool> stop = false;
  (void)run("out", 1, false, &stop, [&](const TrainingProgress&) { stop = true; });
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}, {"/train/batch", 8}});
  EXPECT_THROW(run("out", 1, true), Error);
}

TEST_F(Training, WhatIsInAFileCountsNotWhereItLies) {
  const auto with = [&](const std::string& name, const std::string& snr_db) {
    std::ofstream(root_ / name) << "slot,snr_db\n0," << snr_db << "\n1,4\n2,7\n";
    return tiny::scenario({{"/source/path", (root_ / "data").string()},
                           {"/channel", {{"kind", "trace"}, {"file", (root_ / name).string()}}}});
  };
  std::atomic<bool> stop = false;
  scenario_ = with("a.csv", "9");
  (void)run("out", 1, false, &stop, [&](const TrainingProgress&) { stop = true; });
  scenario_ = with("a.csv", "8");
  EXPECT_THROW(run("out", 1, true), Error);
  scenario_ = with("b.csv", "9");
  EXPECT_TRUE(run("out", 1, true));
}

TEST_F(Training, ATableOfAnotherModelIsRefused) {
  std::ofstream(root_ / "table.json")
      << R"({"made_by": "test", "model_sha256": "abc", "network": {}, "edges_db": [], "share": [1],
    "plans": [{"keep": 0.5, "depth": 1, "symbols_per_token": 4, "operations": 1, "uses": [60],
      "accuracy": [0.5]}]})";
  const auto problem = [&](const std::string& kind) {
    scenario_ =
        tiny::scenario({{"/source/path", (root_ / "data").string()},
                        {"/transmitter/policy",
                         {{"kind", kind}, {"file", (root_ / "table.json").string()}, {"uses", 60}}},
                        {"/timeline", {{"slots", 5}}}});
    return error_of([&] { (void)run("out", 1); });
  };
  expect_contains(problem("pareto"), "made for the model abc");
  expect_contains(problem("drift_plus_penalty"), "made for the model abc");
}

TEST_F(Training, AResumeWithOtherShardsIsRefused) {
  std::atomic<bool> stop = false;
  (void)run("out", 1, false, &stop, [&](const TrainingProgress&) { stop = true; });
  EXPECT_THROW(run("out", 1, true, nullptr, {}, 8), Error);
  EXPECT_TRUE(run("out", 1, true));
}

TEST_F(Training, AStepOutsideTheTrainingIsRefused) {
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}, {"/train/epochs", 1}});
  ASSERT_TRUE(run("out", 2));
  const std::string file = (root_ / "out" / "training.safetensors").string();
  Checkpoint state = read_checkpoint(file);
  for (const char* step : {"-5", "1000000", "12 ", "many", "", "99999999999999999999"}) {
    state.metadata["semwave.step"] = step;
    write_checkpoint(file, state);
    EXPECT_THROW(run("out", 1, true), Error) << step;
  }
}

TEST_F(Training, AKillBetweenTheLastTwoFilesLosesNothing) {
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}, {"/train/epochs", 1}});
  ASSERT_TRUE(run("out", 2));
  const std::string whole = model("out");
  fs::remove(root_ / "out" / "model.safetensors");  // the state is written first
  ASSERT_TRUE(run("out", 2, true));
  EXPECT_EQ(model("out"), whole);
}

TEST_F(Training, LinesOfAKillBeforeTheFirstSaveAreMadeAgain) {
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}, {"/train/epochs", 1}});
  fs::create_directories(root_ / "out");
  std::ofstream(root_ / "out" / "training.jsonl") << "{\"step\": 1}\n{\"step\": 2}\n";
  ASSERT_TRUE(run("out", 2, true));
  std::ifstream log(root_ / "out" / "training.jsonl");
  std::int64_t before = 0;
  for (std::string line; std::getline(log, line);) {
    const auto step = Json::parse(line).at("step").get<std::int64_t>();
    EXPECT_GT(step, before);
    before = step;
  }
  EXPECT_GT(before, 2);
}

TEST_F(Training, WhatIsReportedIsNotTrainedOn) {
  const Dataset data = tiny::images(60);
  for (int i = 0; i < data.count(); ++i) {
    const fs::path folder =
        root_ / "data" / "test" /
        data.class_names[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(i)])];
    fs::create_directories(folder);
    write_png((folder / (std::to_string(1000 + i) + ".png")).string(),
              Picture{12, 12, 1, {data.image(i), data.image(i) + 144}});
  }
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()},
                              {"/source/split", "test"},
                              {"/train/epochs", 1}});
  EXPECT_THROW(run("out", 2), Error);
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()},
                              {"/source/split", "all_train"},
                              {"/train/epochs", 1}});
  EXPECT_TRUE(run("out", 2));
}

TEST_F(Training, FrozenPartsStay) {
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()},
                              {"/train/freeze", Json::array({"transmitter."})},
                              {"/train/epochs", 1}});
  ASSERT_TRUE(run("out", 2));
  const Checkpoint trained = read_checkpoint((root_ / "out" / "model.safetensors").string());
  const Model fresh = make_model(scenario_, *backend_);
  int changed = 0;
  for (const Parameter& p : fresh.parameters->all()) {
    const NamedArray* array = trained.find(p.name);
    ASSERT_NE(array, nullptr) << p.name;
    const bool same = std::equal(array->values.begin(), array->values.end(), p.value.data());
    if (p.name.starts_with("transmitter."))
      EXPECT_TRUE(same) << p.name;
    else
      changed += !same;
  }
  EXPECT_GT(changed, 20);
}

TEST_F(Training, ACheckpointOfAnotherNetworkIsRefused) {
  scenario_ = tiny::scenario({{"/source/path", (root_ / "data").string()}, {"/train/epochs", 1}});
  ASSERT_TRUE(run("out", 2));
  Checkpoint file = read_checkpoint((root_ / "out" / "model.safetensors").string());
  const Model model = make_model(scenario_, *backend_);
  EXPECT_NO_THROW(load_parameters(*model.parameters, file, "file"));
  EXPECT_EQ(file.find("transmitter.tokeniser.conv0.weight")->shape,
            (std::vector<std::int64_t>{8, 1, 3, 3}))
      << "a convolution as PyTorch stores it";
  Checkpoint missing = file, reshaped = file, extra = file;
  missing.arrays.pop_back();
  EXPECT_THROW(load_parameters(*model.parameters, missing, "file"), Error);
  for (NamedArray& array : reshaped.arrays)
    if (array.name == "transmitter.tokeniser.conv0.weight")
      std::swap(array.shape[0], array.shape[1]);
  EXPECT_THROW(load_parameters(*model.parameters, reshaped, "file"), Error);
  extra.arrays.push_back({"receiver.surplus", {1}, {0}});
  EXPECT_THROW(load_parameters(*model.parameters, extra, "file"), Error);
}

}  // namespace
}  // namespace semwave
