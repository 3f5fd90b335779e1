// Pictures of any size through the pair deepjscc: each alone, padded and cut, counted by the
// values it has; and what cannot go through it, said clearly.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "core/data/picture.h"
#include "core/tensor/checkpoint.h"
#include "experiment/planning/budget.h"
#include "experiment/results/results.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/images.h"
#include "experiment/run/model.h"
#include "experiment/run/run.h"
#include "experiment/run/way.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/picture_world.h"

namespace semwave {
namespace {

using pictures::Size;

class DeepJscc : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("pictures");
    pictures::write(folder_ + "/mixed", {{16, 12}, {13, 10}, {40, 24}, {4, 5}, {21, 33}, {16, 12}});
    pictures::write(folder_ + "/own", {{16, 12}, {16, 12}, {16, 12}, {16, 12}, {16, 12}});
  }
  Scenario scenario(const std::string& folder,
                    const std::vector<std::pair<std::string, Json>>& changes = {}) const {
    return pictures::scenario(folder_ + "/" + folder, changes);
  }
  PointResult run(const Scenario& scenario, int threads = 1, int shard = 0) {
    const Model model = make_model(scenario, *backend_);
    ThreadPool pool(threads);
    return evaluate(scenario, model, load_dataset(scenario.source), pool, {.shard = shard});
  }
  static void expect_same(const PointResult& a, const PointResult& b) {
    ASSERT_EQ(a.images.size(), b.images.size());
    for (std::size_t i = 0; i < a.images.size(); ++i) {
      EXPECT_EQ(a.images[i].scores[0], b.images[i].scores[0]) << i;
      EXPECT_EQ(a.images[i].uses.payload, b.images[i].uses.payload) << i;
    }
  }

  std::string folder_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(DeepJscc, ShardsAndThreadsChangeNothing) {
  for (const char* folder : {"own", "mixed"}) {
    const Scenario one = scenario(folder, {{"/channel/kind", "rayleigh"}});
    const PointResult alone = run(one, 1, 1);
    EXPECT_TRUE(std::isfinite(alone.images[0].scores[0]));
    expect_same(alone, run(one, 3, 4));
    expect_same(alone, run(one, 2));
  }
}

TEST_F(DeepJscc, APictureCostsWhatItsSizeSays) {
  const Scenario mixed = scenario("mixed");
  const PointResult result = run(mixed);
  // Four complex symbols at each place of a grid of a quarter of the sides, rounded up.
  const std::vector<std::int64_t> expected{4 * 12, 4 * 12, 4 * 60, 4 * 2, 4 * 54, 4 * 12};
  double uses = 0, values = 0;
  const Dataset data = load_dataset(mixed.source);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(result.images[i].uses.total(), expected[i]) << i;
    EXPECT_EQ(result.images[i].uses.payload, expected[i]) << i;
    EXPECT_FALSE(result.images[i].header_lost);
    uses += static_cast<double>(expected[i]);
    values += static_cast<double>(data.values(static_cast<int>(i)));
  }
  const OrderedJson row = make_row(mixed, expand(mixed)[0], "", data, result, "");
  EXPECT_DOUBLE_EQ(row["cbr"].get<double>(), uses / values);
  EXPECT_DOUBLE_EQ(row["cbr_payload"].get<double>(), uses / values);
  EXPECT_EQ(row["channel_uses"]["header"], 0);

  const PointResult own = run(scenario("own"));
  const OrderedJson sized =
      make_row(mixed, expand(mixed)[0], "", load_dataset(scenario("own").source), own, "");
  EXPECT_DOUBLE_EQ(sized["cbr"].get<double>(), 1.0 / 12);
}

TEST_F(DeepJscc, CountsWhatItExecutesAndForecastsIt) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  const PointResult result = run(own);
  const auto& [height, width] = std::pair(model.architecture.height, model.architecture.width);
  EXPECT_EQ(result.transmitter_operations, model.transmitter->dense_operations(height, width));
  EXPECT_EQ(result.receiver_operations, model.receiver->dense_operations(height, width));
  const auto forecast = model.transmitter->forecast({}, {}, 0);
  ASSERT_TRUE(forecast);
  EXPECT_EQ(forecast->operations, result.transmitter_operations);
  EXPECT_EQ(forecast->uses.payload, result.images[0].uses.payload);

  // A budget forecasts pictures of the model's size, and runs others.
  for (const auto& [folder, looked_at] : {std::pair{"own", 0}, {"mixed", 6}}) {
    const Scenario one = scenario(folder);
    ThreadPool pool(1);
    semwave::Run points(one, *backend_, pool);
    const Budget budget = predict(points, pool, {.time = false});
    const PointResult whole = run(one);
    EXPECT_DOUBLE_EQ(budget.points[0].transmitter_operations, whole.transmitter_operations);
    EXPECT_DOUBLE_EQ(budget.points[0].payload, static_cast<double>(whole.totals.uses.payload) /
                                                   static_cast<double>(whole.images.size()));
    EXPECT_EQ(budget.points[0].looked_at, looked_at);
  }
}

TEST_F(DeepJscc, PowerIsOneOverEachImage) {
  const Scenario mixed = scenario("mixed");
  const Model model = make_model(mixed, *backend_);
  const Dataset data = load_dataset(mixed.source);
  const PooledVector<ChannelState> states(1);
  const PooledVector<Plan> plans(1);
  for (std::int32_t i = 0; i < data.count(); ++i) {
    Pass pass{.backend = *backend_};
    pass.draws = {1, 0, {static_cast<std::uint32_t>(i)}};
    const Burst burst = model.transmitter->transmit(
        pass, image_tensor(*backend_, data, std::span(&i, 1)), states, plans);
    const Tensor& symbols = burst.symbols.value();
    double power = 0;
    for (std::int64_t v = 0; v < symbols.size(); ++v)
      power += double{symbols.data()[v]} * symbols.data()[v];
    EXPECT_NEAR(power / static_cast<double>(symbols.rows()), 1, 1e-5);
    EXPECT_TRUE(burst.headers[0].parts.empty());
    EXPECT_EQ(burst.told.empty(), i == 0 || i == 5) << "the model's own size need not be told";
  }
}

TEST_F(DeepJscc, ASizeThatDoesNotFitItsSymbolsIsALostImage) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  const Dataset data = load_dataset(own.source);
  const PooledVector<std::int32_t> indices{0, 1, 2};
  Pass pass{.backend = *backend_};
  pass.draws = {own.seed, 0, {0, 1, 2}};
  const Channel channel(own.channel);
  const Burst burst =
      model.transmitter->transmit(pass, image_tensor(*backend_, data, indices),
                                  PooledVector<ChannelState>(3), PooledVector<Plan>(3));
  Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
  heard.told = {{}, Bits(32, 1), Bits(7, 0)};
  const Result result = model.receiver->receive(pass, heard);
  EXPECT_EQ(result.lost, (PooledVector<std::uint8_t>{0, 1, 1}));
  EXPECT_EQ(result.rebuilt, (PooledVector<std::int32_t>{0}));
  EXPECT_EQ(result.pictures.value().shape(), (Shape{1, 16, 12, 3}));
}

TEST_F(DeepJscc, ACheckpointSaysWhatItsNetworkIs) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  write_checkpoint(folder_ + "/model.safetensors", to_checkpoint(model));
  const Scenario loaded = scenario("mixed", {{"/model", folder_ + "/model.safetensors"}});
  expect_same(run(scenario("mixed")), run(loaded));

  // Neither network serves the other pair.
  expect_contains(error_of([&] {
                    run(scenario("own", {{"/model", folder_ + "/model.safetensors"},
                                         {"/transmitter", "semantic"}}));
                  }),
                  "is that of a network of the pair deepjscc");
  expect_contains(error_of([&] {
                    (void)scenario("own", {{"/model/architecture", {{"image", {16, 12, 3}}}}});
                  }),
                  "says nothing of deepjscc");
}

TEST_F(DeepJscc, RefusesWhatItCannotSendOrAnswer) {
  const auto refuses = [&](const std::string& pointer, const Json& value,
                           const std::string& words) {
    expect_contains(error_of([&] { (void)scenario("own", {{pointer, value}}); }), words);
  };
  refuses("/metrics", {"accuracy"}, "'accuracy' needs a class");
  refuses("/channel", {{"kind", "bsc"}, {"crossover", 0.1}}, "analogue");
  refuses("/model/architecture/deepjscc/ratio", 0.1,
          "gives no whole number of symbols at each place of the grid; the nearest ratios are 4/48 "
          "and 5/48");
  refuses("/model/architecture/deepjscc/strides", {2, 2}, "one for each of the 3 convolutions");
  refuses("/model/architecture/deepjscc/kernel", 4, "must be odd");
  refuses("/train", {{"losses", {{"image", 1}}}}, "/train/losses/class");
}

TEST_F(DeepJscc, BadPicturesAreNamed) {
  const auto fails = [&](const std::string& folder, const std::string& words) {
    expect_contains(error_of([&] { run(scenario(folder)); }), words);
  };
  pictures::write(folder_ + "/grey", {{16, 12}}, 1);
  fails("grey", "images of folder are grey, those of the model in colour");
  pictures::write(folder_ + "/small", {{16, 12}, {16, 3}});
  fails("small",
        "image 1 of folder is 3 x 16 with 3 channels, the network's strides need 4 pixels");
  pictures::write(folder_ + "/unlike", {{16, 12}});
  write_png(folder_ + "/unlike/2000.png", pictures::picture(1, {16, 12}, 1));
  fails("unlike", "unlike/2000.png: is grey, ");
  pictures::write(folder_ + "/broken", {{16, 12}, {13, 9}});
  std::ofstream(folder_ + "/broken/1001.png", std::ios::binary) << "\x89PNG\r\n\x1a\nnothing";
  fails("broken", "broken/1001.png: corrupt PNG");
  std::filesystem::create_directories(folder_ + "/empty");
  fails("empty", "has no class folders");

  Dataset large{.name = "large", .channels = 3};
  large.places = {{10000, 10000, 0}};
  large.labels = {0};
  const Scenario own = scenario("own");
  expect_contains(
      error_of([&] { check_images(*own.pair, *own.architecture, large, own.place("/source")); }),
      "is 10000 x 10000 with 3 channels, at most 2^25 pixels");
}

TEST_F(DeepJscc, ATimelineHasPicturesOfTheModelsSize) {
  const Json timeline{{"links", 2}, {"slots", 3}};
  expect_contains(error_of([&] {
                    const Scenario one = scenario("mixed", {{"/timeline", timeline}});
                    ThreadPool pool(1);
                    semwave::Run points(one, *backend_, pool);
                  }),
                  "the images of a timeline have the size of the model, 12 x 16 with 3 channels");
  const Scenario one = scenario("own", {{"/timeline", timeline}});
  ThreadPool pool(1);
  semwave::Run points(one, *backend_, pool);
  EXPECT_EQ(points.run({}).failed, 0u);
}

}  // namespace
}  // namespace semwave
