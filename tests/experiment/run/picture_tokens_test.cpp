// Pictures of any size as tokens, through the semantic pair: each by its own grid, its size paid
// for in the header, and bounded by what arrives.
#include <gtest/gtest.h>

#include <cmath>

#include "core/tensor/checkpoint.h"
#include "experiment/planning/budget.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/images.h"
#include "experiment/run/model.h"
#include "experiment/run/run.h"
#include "phy/header/header_codec.h"
#include "phy/header/semantic_header.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/picture_world.h"

namespace semwave {
namespace {

const std::vector<pictures::Size> sizes{{16, 12}, {13, 10}, {40, 24}, {4, 5}, {21, 33}, {1, 1}};

class PictureTokens : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fresh_folder("picture_tokens");
    pictures::write(folder_ + "/mixed", sizes);
    pictures::write(folder_ + "/own", {{16, 12}, {16, 12}, {16, 12}, {16, 12}, {16, 12}});
  }
  Scenario scenario(const std::string& folder,
                    const std::vector<std::pair<std::string, Json>>& changes = {}) const {
    Json value = pictures::tokens_json(folder_ + "/" + folder);
    for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
    return parse_scenario(value, "tokens.json");
  }
  PointResult run(const Scenario& scenario, int threads = 1, int shard = 0) {
    const Model model = make_model(scenario, *backend_);
    ThreadPool pool(threads);
    return evaluate(scenario, model, load_dataset(scenario.source), pool, {.shard = shard});
  }
  /// Pictures of the model's size, as sent with every token.
  struct Sent {
    Burst burst;
    TransmitTrace trace;
  };
  Sent send(Pass& pass, const Scenario& scenario, const Model& model, int count) {
    const Dataset data = load_dataset(scenario.source);
    PooledVector<std::int32_t> indices;
    for (std::int32_t i = 0; i < count; ++i) {
      indices.push_back(i);
      pass.draws.images.push_back(static_cast<std::uint32_t>(i));
    }
    Sent made;
    made.burst = model.transmitter->transmit(
        pass, image_tensor(*backend_, data, indices),
        PooledVector<ChannelState>(static_cast<std::size_t>(count), {.snr_db = 10}),
        PooledVector<Plan>(static_cast<std::size_t>(count), {1, 2, 4}), &made.trace);
    return made;
  }

  std::string folder_;
  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_F(PictureTokens, ShardsAndThreadsChangeNothing) {
  for (const char* folder : {"own", "mixed"})
    for (const double keep : {1.0, 0.4}) {
      const Scenario one =
          scenario(folder, {{"/channel/kind", "rayleigh"}, {"/transmitter/policy/keep", keep}});
      const PointResult alone = run(one, 1, 1);
      for (const PointResult& other : {run(one, 3, 4), run(one, 2)})
        for (std::size_t i = 0; i < alone.images.size(); ++i) {
          EXPECT_EQ(alone.images[i].scores[0], other.images[i].scores[0]) << i;
          EXPECT_EQ(alone.images[i].uses.total(), other.images[i].uses.total()) << i;
          EXPECT_TRUE(std::isfinite(alone.images[i].scores[0]));
        }
    }
}

TEST_F(PictureTokens, APictureCostsItsTokensAndItsSize) {
  for (const double keep : {1.0, 0.5}) {
    const PointResult result = run(scenario("mixed", {{"/transmitter/policy/keep", keep}}));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const int grid = ((sizes[i].height + 3) / 4) * ((sizes[i].width + 3) / 4),
                kept = keep == 1 ? grid : std::max(1, grid / 2);
      const ImageRecord& image = result.images[i];
      EXPECT_EQ(image.tokens, kept) << i;
      EXPECT_EQ(image.uses.payload, 4 * kept) << i;
      std::vector<int> parts{semantic_word_bits(any_grid)};
      if (kept < grid) parts.push_back(position_bits(grid, kept));
      EXPECT_EQ(image.uses.header, header_uses(parts, choose_header_format(parts, 10))) << i;
    }
  }
}

TEST_F(PictureTokens, CountsWhatItExecutesAndForecastsIt) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  const PointResult result = run(own);
  const auto forecast = model.transmitter->forecast({.snr_db = 10}, {1, 2, 4}, 0);
  ASSERT_TRUE(forecast);
  EXPECT_DOUBLE_EQ(forecast->operations, result.transmitter_operations);
  EXPECT_EQ(forecast->uses.total(), result.images[0].uses.total());
  EXPECT_DOUBLE_EQ(model.receiver->operations(&forecast->header), result.receiver_operations);
  // Everything was computed: each token, both experts of both.
  for (const char* folder : {"own", "mixed"}) {
    const PointResult one = run(scenario(folder));
    EXPECT_DOUBLE_EQ(one.transmitter_operations, one.transmitter_operations_dense);
    EXPECT_DOUBLE_EQ(one.receiver_operations, one.receiver_operations_dense);
  }
  const PointResult half = run(scenario("mixed", {{"/transmitter/policy/keep", 0.5}}));
  EXPECT_LT(half.transmitter_operations, 0.8 * half.transmitter_operations_dense);
  // A budget forecasts pictures of the model's size, and runs others.
  for (const auto& [folder, looked_at] : {std::pair{"own", 0}, {"mixed", 6}}) {
    const Scenario one = scenario(folder);
    ThreadPool pool(1);
    semwave::Run points(one, *backend_, pool);
    const Budget budget = predict(points, pool, {.time = false});
    const PointResult whole = run(one);
    EXPECT_DOUBLE_EQ(budget.points[0].transmitter_operations, whole.transmitter_operations);
    EXPECT_DOUBLE_EQ(budget.points[0].receiver_operations, whole.receiver_operations);
    EXPECT_EQ(budget.points[0].looked_at, looked_at);
  }
}

TEST_F(PictureTokens, AHeaderOfAnotherSizeOrOfNothingIsALostPicture) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  Pass pass{.backend = *backend_};
  Sent sent = send(pass, own, model, 4);
  const auto say = [&](std::size_t image, const PictureSize& size, int k) {
    SemanticHeader header{.exit_depth = 2, .symbols_per_token = 4, .k = k, .size = size};
    for (int p = 0; p < k; ++p) header.positions.push_back(p);
    sent.burst.headers[image] = semantic_header_on_air(header, any_grid, 10);
  };
  say(0, {2, 6, 4, 4}, 12);  // as many tokens, of another shape: not the size of the others
  say(2, {4, 3, 5, 4}, 12);  // more rows than a token stands for
  say(3, {8000, 500, 1, 1}, 0);
  const Channel channel(own.channel);
  Reception heard = channel.apply(pass, sent.burst, channel.realise(pass.draws));
  heard.headers = sent.burst.headers;
  const Result result = model.receiver->receive(pass, heard);
  EXPECT_EQ(result.lost, (PooledVector<std::uint8_t>{1, 0, 1, 1}));
  EXPECT_EQ(result.rebuilt, (PooledVector<std::int32_t>{1}));
  EXPECT_EQ(result.pictures.value().shape(), (Shape{1, 16, 12, 3}));
}

TEST_F(PictureTokens, ACheckpointSaysWhatItsNetworkIs) {
  const Scenario own = scenario("own");
  const Model model = make_model(own, *backend_);
  write_checkpoint(folder_ + "/model.safetensors", to_checkpoint(model));
  const Scenario loaded = scenario("mixed", {{"/model", folder_ + "/model.safetensors"}});
  ThreadPool pool(1);
  semwave::Run points(loaded, *backend_, pool);
  EXPECT_EQ(points.run({}).failed, 0u);
}

TEST_F(PictureTokens, WhatDoesNotFitIsSaid) {
  const auto refuses = [&](const std::string& pointer, const Json& value,
                           const std::string& words) {
    expect_contains(error_of([&] {
                      (void)scenario("own", {{"/model/architecture" + pointer, value}});
                    }),
                    words);
  };
  refuses("/tokeniser/0/padding", 1, "/tokeniser/0/padding: pictures of any size need an odd");
  refuses("/tokeniser/1/max_pool", 2, "/tokeniser/1/max_pool: must be 1");
  refuses("/tokeniser/0/stride", 1, "a token must stand for 4 to 16 pixels each way");
  refuses("/window", 17, "must be between 0 and 16");
  refuses("/window", 0, "/max_symbols_per_token: is at most 16");

  // A network for one size takes pictures of that size alone.
  const std::vector<std::pair<std::string, Json>> fixed{
      {"/model/architecture/max_symbols_per_token", 16}, {"/model/architecture/window", 0}};
  EXPECT_EQ(run(scenario("own", fixed)).images.size(), 5u);
  expect_contains(error_of([&] { run(scenario("mixed", fixed)); }), "1001.png");

  pictures::write(folder_ + "/grey", {{16, 12}}, 1);
  expect_contains(error_of([&] { run(scenario("grey")); }),
                  "images of folder are grey, those of the model in colour");
}

}  // namespace
}  // namespace semwave
