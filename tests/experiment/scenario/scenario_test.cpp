// Scenarios: what is filled in, and what is refused with which words.
#include "experiment/scenario/scenario.h"

#include <gtest/gtest.h>

#include "channel/kind/rayleigh.h"
#include "core/base/error.h"
#include "core/tensor/checkpoint.h"
#include "experiment/scenario/scenario_page.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

std::string mistake_in(const Json& value) {
  try {
    (void)parse_scenario(value, "x.json");
  } catch (const Error& mistake) {
    return mistake.what();
  }
  return "";
}

Json changed(const std::string& pointer, const Json& value) {
  Json scenario = tiny::scenario("pictures");
  scenario[Json::json_pointer(pointer)] = value;
  return scenario;
}

void expect_mistake(const std::string& pointer, const Json& value, const std::string& place,
                    const std::string& words) {
  const std::string text = mistake_in(changed(pointer, value));
  EXPECT_TRUE(text.starts_with("x.json: " + place)) << pointer << " = " << value << ": " << text;
  EXPECT_NE(text.find(words), std::string::npos) << pointer << " = " << value << ": " << text;
}

TEST(Scenario, FillsInDefaultsAtEveryDepth) {
  const Scenario made = parse_scenario(tiny::scenario("pictures"), "folder/x.json");
  EXPECT_EQ(made.name, "x");
  EXPECT_EQ(made.seed, 1u);
  EXPECT_EQ(made.gate["kind"], "learned");
  EXPECT_EQ(made.gate["at"], Json({0}));
  EXPECT_EQ(made.exit["kind"], "fixed");
  EXPECT_EQ(made.router["k"], 1);
  EXPECT_EQ(made.equaliser, Equaliser::mmse);
  EXPECT_EQ(made.power, PowerScope::image);
  EXPECT_EQ(made.channel.fading.gains, rayleigh_gains());
  EXPECT_TRUE(made.positions_sent && made.metrics.size() == 2 &&
              made.measures(Metric::Needs::decision) && made.measures(Metric::Needs::image) &&
              !made.records);
  EXPECT_FALSE(made.train.has_value());
  EXPECT_EQ(parse_scenario(made.resolved, "folder/x.json").resolved, made.resolved)
      << "what is resolved must resolve to itself";
}

TEST(Scenario, ReadsWhatTrainingDraws) {
  Json value = tiny::scenario("pictures");
  value["train"] = {{"epochs", 3},
                    {"optimiser", {{"learning_rate", 0.5}}},
                    {"losses", {{"image", 2}}},
                    {"snr_db", {{"uniform", {-1, 3}}}},
                    {"keep", {{"choice", {1, 0.25}}}},
                    {"symbols_per_token", 2},
                    {"freeze", {"transmitter."}}};
  const TrainSettings train = *parse_scenario(value, "x.json").train;
  EXPECT_EQ(train.epochs, 3);
  EXPECT_EQ(train.learning_rate, 0.5);
  EXPECT_EQ(train.beta2, TrainSettings{}.beta2);
  EXPECT_EQ(train.image_weight, 2);
  EXPECT_EQ(train.snr_db.draw(0.25), 0);
  EXPECT_EQ(train.keep.draw(0.1), 1);
  EXPECT_EQ(train.keep.draw(0.9999999), 0.25);
  EXPECT_EQ(train.symbols_per_token.choices, std::vector<double>{2});
  EXPECT_EQ(train.depth.choices, (std::vector<double>{1, 2}))
      << "left out: any depth of the network";
  EXPECT_EQ(train.freeze, std::vector<std::string>{"transmitter."});
}

TEST(Scenario, DefaultsOfTheTextAreThoseOfTheSettings) {
  Json value = tiny::scenario("pictures");
  value["train"] = Json::object();
  const TrainSettings read = *parse_scenario(value, "x.json").train, plain;
  EXPECT_EQ(read.epochs, plain.epochs);
  EXPECT_EQ(read.batch, plain.batch);
  EXPECT_EQ(read.learning_rate, plain.learning_rate);
  EXPECT_EQ(read.weight_decay, plain.weight_decay);
  EXPECT_EQ(read.clip, plain.clip);
  EXPECT_EQ(read.floor, plain.floor);
  EXPECT_EQ(read.balance_weight, plain.balance_weight);
  EXPECT_EQ(read.z_weight, plain.z_weight);
  EXPECT_EQ(read.label_smoothing, plain.label_smoothing);
  EXPECT_EQ(read.keep.choices, plain.keep.choices);
  EXPECT_EQ(read.snr_db.from, plain.snr_db.from);
  EXPECT_EQ(read.snr_db.to, plain.snr_db.to);
}

TEST(Scenario, NamesThePlaceAndTheNearestKnownName) {
  expect_mistake("/chanel", "awgn", "/chanel", "'channel'");
  expect_mistake("/channel/snr", 3, "/channel/snr", "'snr_db'");
  expect_mistake("/transmitter/gate", "lerned", "/transmitter/gate", "'learned'");
  expect_mistake("/receiver", {{"equaliser", "mmze"}}, "/receiver/equaliser", "'mmse'");
  expect_mistake("/metrics/1", "pnsr", "/metrics/1", "'psnr'");
  expect_mistake("/source/dataset", "fashion_mnist", "/source/dataset", "'fashion-mnist'");
  expect_mistake("/link", {{"codes", "ldpc"}}, "/link/codes", "'code'");
  expect_mistake("/timeline", {{"slot", 3}}, "/timeline", "slots");
}

TEST(Scenario, RefusesWrongTypesAndRanges) {
  expect_mistake("/channel/snr_db", "ten", "/channel/snr_db", "a number");
  expect_mistake("/transmitter/policy/keep", -0.2, "/transmitter/policy/keep",
                 "between 0 and 1, found -0.2");
  expect_mistake("/transmitter/policy/keep", 1.5, "/transmitter/policy/keep", "between 0 and 1");
  expect_mistake("/name", "two\nlines", "/name", "one line");
  expect_mistake("/version", 2, "/version", "must be 1, found 2");
  expect_mistake("/seed", -1, "/seed", "at least 0");
  expect_mistake("/conventions", {{"power", "batch"}}, "/conventions/power",
                 "image, token, symbol");
  expect_mistake("/model", "", "/model", "empty name");
  expect_mistake("/stop", {{"min_images", 5}, {"max_images", 3}}, "/stop/min_images",
                 "more than max_images");
  expect_mistake("/metrics", Json::array(), "/metrics", "only a timeline");
  expect_mistake("/train", {{"snr_db", {{"uniform", {3, 1}}}}}, "/train/snr_db/uniform",
                 "from at most to");
  expect_mistake("/train", {{"depth", {{"choice", {0.5}}}}}, "/train/depth", "whole numbers");
  // What no point could answer.
  Json blind = changed("/metrics", {"psnr"});
  blind["stop"] = {{"accuracy_halfwidth", 0.02}};
  EXPECT_NE(mistake_in(blind).find("/stop/accuracy_halfwidth: needs the metric accuracy"),
            std::string::npos);
  Json classes = changed("/metrics", {"psnr"});
  classes["model"]["architecture"]["image_head"] = false;
  EXPECT_NE(mistake_in(classes).find("/metrics: 'psnr_db' needs a model with an image head"),
            std::string::npos);
  Json planned = changed("/metrics", Json::array());
  planned["timeline"] = {{"slots", 5}};
  EXPECT_EQ(mistake_in(planned), "");
  Json looking = planned;
  looking["transmitter"]["exit"] = {{"kind", "confidence"}, {"threshold", 0.5}};
  EXPECT_NE(mistake_in(looking).find("/metrics: an exit that looks at the image needs the network"),
            std::string::npos)
      << mistake_in(looking);
  Json codec = planned;
  codec["transmitter"] = {{"kind", "separation"}, {"budget", 200}};
  codec["receiver"] = {{"kind", "separation"}};
  EXPECT_NE(mistake_in(codec).find("/metrics: what an image codec sends depends on the image"),
            std::string::npos)
      << mistake_in(codec);
  Json missing = tiny::scenario("pictures");
  missing.erase("channel");
  EXPECT_NE(mistake_in(missing).find("'channel' is missing"), std::string::npos);
}

TEST(Scenario, TrainsAClassifierOnDecodedPictures) {
  Json value = tiny::scenario("pictures");
  value["transmitter"] = "label";
  value["metrics"] = {"accuracy"};
  value["train"] = {{"depth", 1}};
  EXPECT_FALSE(parse_scenario(value, "x.json").resolved["train"].contains("decoded"))
      << "a training begun before this key was there goes on";
  EXPECT_EQ(parse_scenario(value, "x.json").train->decoded.share, 0);

  value["train"]["decoded"] = {
      {"share", 0.25}, {"codecs", {"heic", "jpeg", "heic"}}, {"quality", {{"choice", {5, 50}}}}};
  const Scenario made = parse_scenario(value, "x.json");
  EXPECT_EQ(made.train->decoded.share, 0.25);
  EXPECT_EQ(made.train->decoded.codecs.size(), 3u);
  EXPECT_EQ(made.train->decoded.quality.draw_integer(0.9), 50);
  EXPECT_EQ(parse_scenario(made.resolved, "x.json").resolved, made.resolved);

  const auto refused = [&](const char* key, const Json& with, const std::string& words) {
    Json wrong = value;
    wrong["train"]["decoded"][key] = with;
    const std::string text = mistake_in(wrong);
    EXPECT_TRUE(text.starts_with("x.json: /train/decoded")) << text;
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  refused("share", 1.5, "between 0 and 1");
  refused("share", -0.1, "between 0 and 1");
  refused("codecs", Json::array(), "between 1 and 100 elements");
  refused("codecs", {"jpg"}, "did you mean 'jpeg'?");
  refused("quality", 101, "between 0 and 100");
  refused("quality", {{"uniform", {-1, 50}}}, "between 0 and 100");
  refused("quality", {{"choice", {2.5}}}, "whole numbers");
  refused("shares", 0.5, "unknown key");

  value["transmitter"] = {{"kind", "semantic"}};
  expect_mistake("/train", value["train"], "/train/decoded", "for the classifier");
}

TEST(Scenario, RefusesNotANumber) {
  const std::string folder = fresh_folder("nan"), path = folder + "/x.json";
  std::string text = tiny::scenario("pictures").dump();
  text.replace(text.find("\"snr_db\":5"), 10, "\"snr_db\":NaN");
  tiny::write_text(path, text);
  try {
    (void)read_scenario(path);
    FAIL() << "NaN was read";
  } catch (const Error& mistake) {
    EXPECT_NE(std::string(mistake.what()).find("NaN"), std::string::npos) << mistake.what();
    EXPECT_TRUE(mistake.place() == path) << mistake.place();
  }
}

TEST(Scenario, RefusesPlansBeyondTheNetwork) {
  expect_mistake("/transmitter/policy/depth", 3, "/transmitter/policy/depth",
                 "3 is beyond the network's 2");
  expect_mistake("/transmitter/policy/symbols_per_token", 16,
                 "/transmitter/policy/symbols_per_token", "beyond the model's 8");
  expect_mistake("/transmitter/gate", {{"kind", "learned"}, {"at", {5}}}, "/transmitter/gate/at",
                 "beyond");
  expect_mistake("/train", {{"depth", {{"choice", {1, 7}}}}}, "/train/depth", "7 is beyond");
}

TEST(Scenario, ReadsPolicyTablesWhenItIsChecked) {
  const std::string folder = fresh_folder("table");
  const std::string missing = mistake_in(
      changed("/transmitter/policy", {{"kind", "table"}, {"file", folder + "/none.json"}}));
  EXPECT_TRUE(missing.starts_with(folder + "/none.json: cannot open")) << missing;
  tiny::write_text(folder + "/deep.json",
                   R"({"made_by": "hand", "entries": [{"from_db": 0, "depth": 9}]})");
  const std::string deep = mistake_in(
      changed("/transmitter/policy", {{"kind", "table"}, {"file", folder + "/deep.json"}}));
  EXPECT_NE(deep.find("9 is beyond"), std::string::npos) << deep;
}

TEST(Scenario, PathsAreRelativeToTheFile) {
  const std::string folder = fresh_folder("paths");
  std::filesystem::create_directories(folder + "/deep");
  Json value = tiny::scenario("pictures");
  value["model"] = "../model.safetensors";
  value["sweep"] = {{"/model", {"a.safetensors", "/absolute.safetensors"}},
                    {"/source", {{{"dataset", "folder"}, {"path", "other"}}}}};
  tiny::write_text(folder + "/deep/x.json", value.dump());
  const Scenario made = read_scenario(folder + "/deep/x.json");
  EXPECT_EQ(made.model_path, folder + "/model.safetensors");
  EXPECT_EQ(made.source.path, folder + "/deep/pictures");
  EXPECT_EQ(made.sweep[0].second[0], folder + "/deep/a.safetensors");
  EXPECT_EQ(made.sweep[0].second[1], "/absolute.safetensors");
  EXPECT_EQ(made.sweep[1].second[0]["path"], folder + "/deep/other");

  // What is written beside results names the same files from there.
  std::filesystem::create_directories(folder + "/results/one");
  tiny::write_text(folder + "/results/one/scenario.json",
                   scenario_text(made, folder + "/results/one"));
  const Json written = read_json(folder + "/results/one/scenario.json");
  EXPECT_EQ(written["model"], "../../model.safetensors");
  const Scenario again = read_scenario(folder + "/results/one/scenario.json");
  EXPECT_EQ(again.resolved, made.resolved);
}

TEST(Scenario, ATraceInAChainIsRelativeToTheFile) {
  const std::string folder = fresh_folder("chained_paths");
  Json value = tiny::scenario("pictures");
  value["channel"] =
      Json::parse(R"({"kind": "chain", "of": [{"kind": "trace", "file": "t.csv"}, "erasure"]})");
  value["sweep"] = {{"/channel/of/0/file", {"t.csv", "u.csv"}}, {"/channel/of/1/loss", {0, 0.5}}};
  for (const char* name : {"/t.csv", "/u.csv"})
    tiny::write_text(folder + name, "slot,re,im\n0,1,0\n");
  tiny::write_text(folder + "/x.json", value.dump());

  const std::vector<Point> points = expand(read_scenario(folder + "/x.json"));
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[2].scenario.resolved["channel"]["of"][0]["file"], folder + "/u.csv");
  EXPECT_EQ(points[3].scenario.channel.loss->loss_good, 0.5);
}

TEST(Scenario, AnOverrideEndsTheSweepOfItsKey) {
  const std::string path = fresh_folder("swept") + "/x.json";
  Json value = tiny::scenario("pictures");
  value["sweep"] = {{"/channel/snr_db", {0, 10}}, {"/transmitter/policy/keep", {0.5, 1.0}}};
  tiny::write_text(path, value.dump());
  EXPECT_EQ(expand(read_scenario(path)).size(), 4u);
  const std::vector<Point> points = expand(read_scenario(path, {{"/channel/snr_db", 5}}));
  ASSERT_EQ(points.size(), 2u);
  for (const Point& point : points) EXPECT_EQ(point.scenario.channel.snr.from_db, 5);
}

TEST(Scenario, OverridesReachDefaultsAndShortForms) {
  const std::string path = fresh_folder("set") + "/x.json";
  Json value = tiny::scenario("pictures");
  value["channel"] = "awgn";
  value["transmitter"].erase("gate");
  value.erase("model");
  tiny::write_text(path, value.dump());
  const Scenario made = read_scenario(path, {{"/model", {{"architecture", tiny::architecture()}}},
                                             {"/channel/snr_db", -3},
                                             {"/transmitter/gate", "random"},
                                             {"/stop/max_images", 7}});
  EXPECT_EQ(made.channel.snr.from_db, -3);
  EXPECT_EQ(made.gate["kind"], "random");
  EXPECT_EQ(made.stop.max_images, 7);
  const auto refused = [&](const std::string& pointer, const Json& replacement) {
    try {
      (void)read_scenario(
          path, {{"/model", {{"architecture", tiny::architecture()}}}, {pointer, replacement}});
    } catch (const Error& mistake) {
      return std::string(mistake.what());
    }
    return std::string();
  };
  EXPECT_NE(refused("/channel/snr_bd", 3).find("'snr_db'"), std::string::npos);
  EXPECT_NE(refused("/chanel/snr_db", 3).find("'channel'"), std::string::npos);
}

TEST(Scenario, RefusesWhatIsNoCheckpointOfOurs) {
  Checkpoint other;
  other.metadata["format"] = "pt";
  EXPECT_THROW((void)checkpoint_architecture(other, "m.safetensors"), Error);
  other.metadata["semwave.architecture"] = tiny::architecture().dump();
  EXPECT_EQ(checkpoint_architecture(other, "m.safetensors").transmitter_blocks, 2);
}

TEST(Scenario, DocumentationListsEveryKey) {
  const std::string written =
      tiny::read_text(std::string(SEMWAVE_SOURCE_DIR) + "/docs/scenario.md");
  EXPECT_EQ(written, scenario_page(scenario_fields()) + "\n")
      << "make docs/scenario.md anew: semwave schema --markdown > docs/scenario.md";
}

TEST(Scenario, TheSchemaOfEditorsListsEveryKey) {
  const std::string folder = std::string(SEMWAVE_SOURCE_DIR) + "/",
                    file = folder + "docs/scenario.schema.json";
  EXPECT_EQ(tiny::read_text(file), json_schema(scenario_fields()).dump(2) + "\n")
      << "make docs/scenario.schema.json anew: semwave schema > docs/scenario.schema.json";

  int scenarios = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder + "scenarios")) {
    if (entry.path().extension() != ".json") continue;
    const Json read = read_json(entry.path().string());
    if (!read.contains("version")) continue;  // a table of plans
    ++scenarios;
    ASSERT_TRUE(read.contains("$schema")) << entry.path();
    EXPECT_TRUE(std::filesystem::equivalent(
        entry.path().parent_path() / read["$schema"].get<std::string>(), file))
        << entry.path();
    EXPECT_FALSE(read_scenario(entry.path().string()).resolved.contains("$schema")) << entry.path();
  }
  EXPECT_GT(scenarios, 30);
}

}  // namespace
}  // namespace semwave
