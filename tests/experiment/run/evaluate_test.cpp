#include "experiment/run/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"
#include "tests/fixtures/tiny_model.h"
#include "transmitter/policy/plan_table.h"

namespace semwave {
namespace {

TEST(EvaluateTest, ADepthThatIsLeftOutIsAllBlocks) {
  const auto backend = make_cpu_backend();
  const Scenario scenario =
      tiny::scenario({{"/transmitter/policy", {{"kind", "fixed"}, {"keep", 0.5}}}});
  const Model model = tiny::model(scenario, *backend);
  ThreadPool pool(1);
  for (const ImageRecord& r : evaluate(scenario, model, tiny::images(6), pool, {}).images) {
    EXPECT_EQ(r.exit_depth, 2);
    EXPECT_EQ(r.plan_depth, 2);
  }
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

void expect_same(const PointResult& a, const PointResult& b, const std::string& what) {
  ASSERT_EQ(a.images.size(), b.images.size()) << what;
  for (std::size_t i = 0; i < a.images.size(); ++i) {
    const ImageRecord &x = a.images[i], &y = b.images[i];
    EXPECT_EQ(x.decision, y.decision) << what;
    EXPECT_TRUE(same(x.scores[0], y.scores[0]) && same(x.scores[1], y.scores[1]))
        << what << " image " << i;
    EXPECT_EQ(x.tokens, y.tokens) << what;
    EXPECT_EQ(x.header_lost, y.header_lost) << what;
    EXPECT_EQ(x.uses.total(), y.uses.total()) << what;
    EXPECT_EQ(x.gain, y.gain) << what;
  }
  EXPECT_EQ(a.transmitter_operations, b.transmitter_operations) << what;
  EXPECT_EQ(a.receiver_operations, b.receiver_operations) << what;
  EXPECT_EQ(a.expert_load, b.expert_load) << what;
}

TEST(Evaluate, ShardsAndThreadsChangeNothing) {
  const auto backend = make_cpu_backend();
  const Dataset data = tiny::images(70);
  // A table-like mixture: SNR drawn per image and Rayleigh fading, so that every image is
  // different.
  const Scenario scenario = tiny::scenario(
      {{"/channel",
        Json{{"kind", "rayleigh"}, {"snr_db", {{"uniform", {-5, 20}}}}, {"coherence", "image"}}}});
  const Model model = tiny::model(scenario, *backend);
  ThreadPool one(1), two(2), four(4);
  const PointResult reference = evaluate(scenario, model, data, one, {.shard = 1});
  int lost = 0;
  for (const ImageRecord& r : reference.images) lost += r.header_lost;
  EXPECT_GT(lost, 0) << "deep fades lose some headers, so the lost path is compared too";
  EXPECT_LT(lost, 35);
  expect_same(reference, evaluate(scenario, model, data, one, {.shard = 64}), "shard 64");
  expect_same(reference, evaluate(scenario, model, data, two, {.shard = 4}), "2 threads, shard 4");
  expect_same(reference, evaluate(scenario, model, data, four, {.shard = 16}),
              "4 threads, shard 16");
}

TEST(Evaluate, ALostImageIsTheMeanImage) {
  const auto backend = make_cpu_backend();
  const Dataset data = tiny::images(60);
  const Scenario scenario = tiny::scenario({{"/channel/snr_db", -15}});
  const Model model = tiny::model(scenario, *backend);
  ThreadPool pool(1);
  const PointResult result = evaluate(scenario, model, data, pool, {});
  int lost = 0;
  for (const ImageRecord& r : result.images) {
    if (!r.header_lost) continue;
    ++lost;
    EXPECT_EQ(r.decision, -1);
    EXPECT_TRUE(std::isfinite(r.scores[0]));
  }
  EXPECT_GT(lost, 10);
}

TEST(Evaluate, AnotherRepeatHasOtherNoise) {
  const auto backend = make_cpu_backend();
  const Dataset data = tiny::images(20);
  const Model model = tiny::model(tiny::scenario(), *backend);
  ThreadPool pool(1);
  const PointResult a = evaluate(tiny::scenario(), model, data, pool, {}),
                    b = evaluate(tiny::scenario({{"/source/repeat", 1}}), model, data, pool, {});
  int different = 0;
  for (std::size_t i = 0; i < 20; ++i) different += a.images[i].scores[0] != b.images[i].scores[0];
  EXPECT_GT(different, 15);
}

TEST(Evaluate, StopsWhenSureEnough) {
  const auto backend = make_cpu_backend();
  const Dataset data = tiny::images(1500);
  const Scenario scenario =
      tiny::scenario({{"/stop", Json{{"min_images", 500}, {"accuracy_halfwidth", 0.2}}},
                      {"/metrics", Json::array({"accuracy"})}});
  ThreadPool pool(2);
  EXPECT_EQ(evaluate(scenario, tiny::model(scenario, *backend), data, pool, {}).images.size(),
            500u);
}

TEST(Evaluate, OtherImagesAreRefused) {
  const auto backend = make_cpu_backend();
  Dataset data = tiny::images(4);
  data.width = 6;
  data.height = 24;
  ThreadPool pool(1);
  EXPECT_THROW(evaluate(tiny::scenario(), tiny::model(tiny::scenario(), *backend), data, pool, {}),
               Error);
}

TEST(Evaluate, ATableHoldsForItsModelAndItsNetwork) {
  const auto backend = make_cpu_backend();
  Json value = tiny::scenario_json();
  value.erase("train");
  Checkpoint checkpoint = to_checkpoint(tiny::model(parse_scenario(value, "tiny.json"), *backend));
  checkpoint.sha256 = "this one";
  const std::string file = temporary_path("table.json");
  const auto problem = [&](const std::string& sha, const Json& network) -> std::string {
    PlanTable table{.made_by = "test",
                    .model_sha256 = sha,
                    .network = network,
                    .edges_db = {},
                    .share = {1},
                    .plans = {}};
    table.plans = {
        {.plan = {0.5, 2, 4}, .operations = 1e6, .uses = {100}, .accuracy = {0.5}, .psnr_db = {}}};
    const std::string text = table.to_json().dump();
    write_file_whole(file, text.data(), text.size());
    Json asks = value;
    set_pointer(asks, "/transmitter/policy", {{"kind", "pareto"}, {"file", file}, {"uses", 100}},
                "test");
    const Scenario scenario = parse_scenario(asks, "tiny.json");
    try {
      (void)make_model(scenario, *backend, checkpoint);
      return "";
    } catch (const Error& mistake) {
      return mistake.what();
    }
  };
  const Json network = policy_network(parse_scenario(value, "tiny.json"));
  EXPECT_EQ(problem("this one", network), "");
  expect_contains(problem("another one", network),
                  "tiny.json: /transmitter/policy/file: made for the model another one");
  Json other = network;
  other["positions"] = "none";
  expect_contains(problem("this one", other), "measured with");
}

}  // namespace
}  // namespace semwave
