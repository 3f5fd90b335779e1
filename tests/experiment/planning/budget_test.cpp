// What is predicted is what is then counted: forecasts image by image, budgets point by point.
#include "experiment/planning/budget.h"

#include <gtest/gtest.h>

#include <set>

#include "experiment/run/images.h"
#include "tests/experiment/tiny_world.h"
#include "tests/fixtures/tiny_model.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

double draw(std::uint32_t what, std::uint32_t which) {
  return uniform(philox(11, Purpose::data_bits, what, 0, which)[0]);
}

PooledVector<Plan> random_plans(int count, std::uint32_t round) {
  PooledVector<Plan> plans;
  for (int i = 0; i < count; ++i) {
    const auto n = static_cast<std::uint32_t>(i) + 100 * round;
    const double keep = draw(n, 0);
    plans.push_back({keep < 0.1   ? 0.0
                     : keep > 0.9 ? 1.0
                                  : keep,
                     static_cast<int>(3 * draw(n, 1)), 1 + static_cast<int>(16 * draw(n, 2))});
  }
  return plans;
}

class ForecastTest
    : public testing::TestWithParam<std::tuple<const char*, Json, const char*, int>> {};

TEST_P(ForecastTest, IsWhatTheOperationsCount) {
  const auto& [gate, at, positions, k] = GetParam();
  const Scenario scenario = tiny::scenario({{"/transmitter/gate", Json{{"kind", gate}, {"at", at}}},
                                            {"/transmitter/positions", positions},
                                            {"/receiver/router/k", k},
                                            {"/channel", {{"kind", "ideal"}}}});
  const auto backend = make_cpu_backend();
  const Model model = tiny::model(scenario, *backend);
  const Dataset data = tiny::images(8);
  const std::vector<std::int32_t> indices = tiny::first(8);
  for (std::uint32_t round = 0; round < 4; ++round) {
    const PooledVector<Plan> plans = random_plans(8, round);
    for (const bool together : {true, false}) {
      Pass pass{.backend = *backend};
      const std::size_t count = together ? 8 : 1;
      const std::span<const std::int32_t> images(indices.data(), count);
      pass.draws = {1, 0, {images.begin(), images.end()}};
      const PooledVector<Plan> asked(plans.begin(),
                                     plans.begin() + static_cast<std::ptrdiff_t>(count));
      const PooledVector<ChannelState> states(count, ChannelState{.snr_db = 3});
      double transmitter = 0, receiver = 0;
      const Burst burst = model.transmitter->transmit(pass, image_tensor(*backend, data, images),
                                                      states, asked, nullptr);
      for (std::size_t i = 0; i < count; ++i) {
        const std::optional<Forecast> forecast = model.transmitter->forecast(states[i], asked[i]);
        ASSERT_TRUE(forecast);
        EXPECT_EQ(forecast->uses.payload, burst.ledger[i].payload);
        EXPECT_EQ(forecast->uses.header, burst.ledger[i].header);
        EXPECT_EQ(forecast->header.format, burst.headers[i].format);
        transmitter += forecast->operations;
        receiver += model.receiver->operations(&forecast->header);
      }
      EXPECT_NEAR(pass.operations / transmitter, 1, 1e-12);
      pass.operations = 0;
      const Channel channel(scenario.channel);
      const Reception heard = channel.apply(pass, burst, channel.realise(pass.draws));
      pass.operations = 0;
      const Result result = model.receiver->receive(pass, heard);
      for (std::size_t i = 0; i < count; ++i) EXPECT_FALSE(result.lost[i]);
      EXPECT_NEAR(pass.operations / receiver, 1, 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, ForecastTest,
                         testing::Values(std::tuple("learned", Json{0}, "sent", 1),
                                         std::tuple("learned", Json{0, 1, 2}, "sent", 2),
                                         std::tuple("random", Json{1}, "none", 1),
                                         std::tuple("keep_all", Json{0}, "sent", 3),
                                         std::tuple("learned", Json{2}, "none", 4)));

TEST(LostForecastTest, ALostImageCostsItsConditionAndItsClass) {
  const Scenario scenario = tiny::scenario({{"/channel/snr_db", -80}});
  const auto backend = make_cpu_backend();
  const Model model = tiny::model(scenario, *backend);
  ThreadPool pool(1);
  const PointResult result = evaluate(scenario, model, tiny::images(6), pool, {});
  EXPECT_EQ(result.totals.lost, 6);
  EXPECT_NEAR(result.receiver_operations, model.receiver->operations(nullptr), 1e-9);
  EXPECT_GT(result.receiver_operations, 0);
}

/// Predicts and runs a scenario over pictures.
struct World {
  explicit World(const Json& changes) : folder(fresh_folder("pictures")) {
    tiny::write_pictures(folder, 10, 60);
    Json value = tiny::scenario(folder);
    for (const auto& [pointer, change] : changes.items())
      set_pointer(value, pointer, change, "test");
    scenario.emplace(parse_scenario(value, "x.json"));
    run.emplace(*scenario, *backend, pool);
    budget = predict(*run, pool, {.time = false});
    RunSettings settings{
        .finished = [&](std::size_t, const OrderedJson& row, bool) { rows.push_back(row); }};
    run->run(settings);
  }
  std::string folder;
  std::unique_ptr<Backend> backend = make_cpu_backend();
  ThreadPool pool{2};
  std::optional<Scenario> scenario;
  std::optional<Run> run;
  Budget budget;
  std::vector<OrderedJson> rows;
};

TEST(BudgetTest, UsesAreExactAndOperationsNearlySo) {
  const Json four{{"kind", "estimated"}, {"pilots", 4}}, two{{"kind", "estimated"}, {"pilots", 2}};
  const Json blocks{{"kind", "rayleigh"},
                    {"snr_db", 0},
                    {"coherence", "block"},
                    {"block_uses", 40},
                    {"csi", {{"receiver", four}}}};
  const Json images{{"kind", "rician"},
                    {"snr_db", {{"uniform", {0, 15}}}},
                    {"csi", {{"transmitter", two}, {"receiver", four}}}};
  const World world(Json{
      {"/sweep", {{"/channel", {blocks, images}}, {"/transmitter/policy/keep", {0, 0.3, 1}}}}});
  ASSERT_EQ(world.rows.size(), 6u);
  for (std::size_t i = 0; i < world.rows.size(); ++i) {
    const OrderedJson made = budget_row(*world.scenario, world.run->points()[i],
                                        world.budget.points[i]),
                      &row = world.rows[i];
    EXPECT_EQ(made["point"], row["point"]);
    EXPECT_EQ(made["images"], row["images"]);
    for (const char* share : {"payload", "header", "pilots", "parity", "prefix", "total"})
      EXPECT_NEAR(made["channel_uses"][share].get<double>(),
                  row["channel_uses"][share].get<double>(), 1e-9)
          << share << " of " << row["point"];
    EXPECT_NEAR(made["cbr"].get<double>(), row["cbr"].get<double>(), 1e-9);
    EXPECT_NEAR(
        made["flops"]["transmitter"].get<double>() / row["flops"]["transmitter"].get<double>(), 1,
        1e-9);
    EXPECT_NEAR(made["header_losses"].get<double>(), row["header_losses"].get<double>(), 9)
        << "other positions are named, so other headers of the margin are lost";
    EXPECT_FALSE(made.contains("looked_at"));
  }
  EXPECT_GT(world.rows[0]["channel_uses"]["pilots"].get<double>(), 2);
}

TEST(BudgetTest, EachLinkHasItsUses) {
  const World world({{"/channel/snr_db", 12},
                     {"/sweep",
                      {{"/transmitter/link",
                        {"analogue",
                         {{"kind", "digital"}, {"bits_per_value", 2}},
                         {{"kind", "digital"}, {"bits_per_value", 6}}}}}}});
  ASSERT_EQ(world.rows.size(), 3u);
  std::set<double> different;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(world.budget.points[i].uses(), world.rows[i]["channel_uses"]["total"].get<double>(),
                1e-9)
        << world.rows[i]["point"];
    different.insert(world.budget.points[i].uses());
  }
  EXPECT_EQ(different.size(), 3u);
}

TEST(BudgetTest, HeadersWithoutPositionsAreLostAsInTheRun) {
  const World world(
      {{"/transmitter/positions", "none"}, {"/metrics", {"accuracy"}}, {"/channel/snr_db", 0}});
  EXPECT_GT(world.rows[0]["header_losses"], 2);
  EXPECT_NEAR(world.budget.points[0].header_losses * 120,
              world.rows[0]["header_losses"].get<double>(), 1e-9);
  EXPECT_NEAR(
      world.budget.points[0].receiver_operations / world.rows[0]["flops"]["receiver"].get<double>(),
      1, 1e-9);
}

TEST(BudgetTest, AnExitThatLooksIsRunOnTheValidationSplit) {
  const World world({{"/model/architecture/transmitter/exit_heads", true},
                     {"/transmitter/exit", {{"kind", "confidence"}, {"threshold", 0.55}}}});
  const PointBudget& budget = world.budget.points[0];
  EXPECT_EQ(budget.looked_at, 2) << "a tenth of the ten training pictures of each class";
  EXPECT_EQ(budget.images, 120);
  EXPECT_GT(budget.transmitter_operations, 0);
  EXPECT_NEAR(budget.transmitter_operations / world.rows[0]["flops"]["transmitter"].get<double>(),
              1, 0.5);
}

TEST(BudgetTest, WhatIsLostOnTheWayIsNotWorkedOn) {
  const Json erasure{{"kind", "erasure"}, {"loss", 0.4}, {"snr_db", 10}},
      clean{{"kind", "erasure"}, {"loss", 0}, {"snr_db", 10}};
  const World world(Json{{"/sweep", {{"/channel", {erasure, clean}}}}});
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(world.budget.points[i].receiver_operations /
                    world.rows[i]["flops"]["receiver"].get<double>(),
                1, 1e-9);
    EXPECT_EQ(world.budget.points[i].looked_at, 120);
  }
  EXPECT_LT(world.budget.points[0].receiver_operations,
            0.98 * world.budget.points[1].receiver_operations);
}

TEST(BudgetTest, ATimelineIsGoneThrough) {
  const World world(Json{{"/channel", {{"kind", "rayleigh"}, {"snr_db", 10}, {"doppler", 0.1}}},
                         {"/timeline",
                          {{"links", 3},
                           {"slots", 60},
                           {"arrivals", {{"kind", "poisson"}, {"mean", 0.7}}},
                           {"slot_uses", 60}}}});
  const OrderedJson& row = world.rows.at(0);
  const PointBudget& budget = world.budget.points[0];
  EXPECT_EQ(budget.images, row["images"]);
  EXPECT_NEAR(budget.uses(), row["channel_uses"]["total"].get<double>(), 1e-9);
  EXPECT_NEAR(budget.transmitter_operations / row["flops"]["transmitter"].get<double>(), 1, 1e-9);
  EXPECT_NEAR(budget.receiver_operations / row["flops"]["receiver"].get<double>(), 1, 0.1);
  EXPECT_GT(budget.looked_at, 0);
}

TEST(BudgetTest, TimeIsPredictedForEveryPoint) {
  World world(Json{{"/sweep", {{"/transmitter/policy/keep", {0.1, 0.2, 0.4, 1}}}}});
  const Budget budget = predict(*world.run, world.pool, {});
  ASSERT_EQ(budget.points.size(), 4u);
  for (const PointBudget& point : budget.points) EXPECT_GT(point.seconds, 0);
  EXPECT_GT(budget.build_seconds, 0);
}

}  // namespace
}  // namespace semwave
