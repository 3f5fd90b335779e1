// The measured table: choices within budgets against brute force, and what a file may say.
#include "transmitter/policy/plan_table.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/random/random.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

constexpr double none = std::numeric_limits<double>::infinity();

double drawn(std::uint32_t table, std::uint32_t place) {
  return uniform(philox(17, Purpose::data_bits, table, 0, place)[0]);
}

/// Three bins, five plans: dearer plans are worth more, with scatter.
PlanTable random_table(std::uint32_t id) {
  PlanTable table{.made_by = "test",
                  .model_sha256 = "m",
                  .edges_db = {0, 10},
                  .share = {0.5, 0.3, 0.2},
                  .plans = {}};
  for (int p = 0; p < 5; ++p) {
    MeasuredPlan plan{.plan = {1.0 / (p + 1), p, 8},
                      .operations = 1e6 * (1 + 10 * drawn(id, 100 + static_cast<std::uint32_t>(p))),
                      .uses = {},
                      .accuracy = {},
                      .psnr_db = {}};
    for (std::uint32_t b = 0; b < 3; ++b) {
      plan.uses.push_back(20 + 40 * p + 10 * drawn(id, 10 * b + static_cast<std::uint32_t>(p)));
      plan.accuracy.push_back(
          0.5 + 0.1 * p * (0.3 + drawn(id, 200 + 10 * b + static_cast<std::uint32_t>(p))));
    }
    table.plans.push_back(plan);
  }
  return table;
}

/// The largest mean worth of all 125 choices within the budgets; negative where none keeps them.
double brute_force(const PlanTable& table, double uses, double operations) {
  double best = -1;
  for (int a = 0; a < 5; ++a)
    for (int b = 0; b < 5; ++b)
      for (int c = 0; c < 5; ++c) {
        const PlanTable::Means means = table.means({a, b, c}, Worth::accuracy);
        if (means.uses <= uses && means.operations <= operations)
          best = std::max(best, means.worth);
      }
  return best;
}

TEST(PlanTable, MeanBudgetsAreKeptAndNearlyTheBestChoiceIsMade) {
  double found = 0, possible = 0;
  for (std::uint32_t id = 0; id < 60; ++id) {
    const PlanTable table = random_table(id);
    for (const double uses : {40.0, 80.0, 130.0, 1000.0})
      for (const double operations : {5e6, none}) {
        const double best = brute_force(table, uses, operations);
        if (best < 0) continue;
        const PlanTable::Means means =
            table.means(table.best(Worth::accuracy, uses, operations), Worth::accuracy);
        EXPECT_LE(means.uses, uses) << "table " << id;
        EXPECT_LE(means.operations, operations) << "table " << id;
        EXPECT_GE(means.worth, best - 0.03)
            << "table " << id << ", " << uses << " uses, " << operations << " operations";
        found += means.worth;
        possible += best;
      }
  }
  EXPECT_GT(found / possible, 0.995);
}

TEST(PlanTable, ABudgetOfEachImageIsKeptInEveryBin) {
  for (std::uint32_t id = 0; id < 20; ++id) {
    const PlanTable table = random_table(id);
    const std::vector<int> choice = table.best(Worth::accuracy, 100, 9e6, BudgetScope::each);
    for (int b = 0; b < 3; ++b) {
      double best = -1;
      for (const MeasuredPlan& plan : table.plans)
        if (plan.uses[static_cast<std::size_t>(b)] <= 100 && plan.operations <= 9e6)
          best = std::max(best, plan.accuracy[static_cast<std::size_t>(b)]);
      if (best < 0) continue;
      EXPECT_EQ(
          table.worth(table.plans[static_cast<std::size_t>(choice[static_cast<std::size_t>(b)])], b,
                      Worth::accuracy),
          best);
    }
  }
  const PlanTable table = random_table(1);
  for (const int p : table.best(Worth::accuracy, 1, none, BudgetScope::each))
    EXPECT_EQ(p, 0) << "where nothing fits the cheapest goes";
}

TEST(PlanTable, MoreBudgetIsNeverWorse) {
  const PlanTable table = random_table(3);
  double before = 0;
  for (double uses = 30; uses < 250; uses += 5) {
    const double worth = table.means(table.best(Worth::accuracy, uses), Worth::accuracy).worth;
    EXPECT_GE(worth, before - 0.01);
    before = std::max(before, worth);
  }
}

TEST(PlanTable, BinsReachDownAndUpWithoutEnd) {
  const PlanTable table = random_table(0);
  EXPECT_EQ(table.bin(-1000), 0);
  EXPECT_EQ(table.bin(-0.001), 0);
  EXPECT_EQ(table.bin(0), 1);
  EXPECT_EQ(table.bin(9.99), 1);
  EXPECT_EQ(table.bin(10), 2);
  EXPECT_EQ(table.bin(1000), 2);
}

TEST(PlanTable, ReadsWhatItWrites) {
  PlanTable table = random_table(5);
  for (MeasuredPlan& plan : table.plans) plan.psnr_db = {10, 20, 30};
  const PlanTable read = parse_plan_table(table.to_json(), "t.json");
  ASSERT_EQ(read.plans.size(), table.plans.size());
  EXPECT_EQ(read.model_sha256, "m");
  for (std::size_t p = 0; p < read.plans.size(); ++p) {
    EXPECT_EQ(read.plans[p].plan, table.plans[p].plan);
    for (std::size_t b = 0; b < 3; ++b) {
      EXPECT_NEAR(read.plans[p].uses[b], table.plans[p].uses[b], 0.006);
      EXPECT_NEAR(read.plans[p].accuracy[b], table.plans[p].accuracy[b], 1e-5);
      EXPECT_EQ(read.plans[p].psnr_db[b], table.plans[p].psnr_db[b]);
    }
  }
  EXPECT_EQ(read.to_json(), table.to_json());
}

TEST(PlanTable, RefusesWhatIsNoTable) {
  const auto problem = [](const std::string& pointer, const Json& value) {
    Json table = random_table(5).to_json();
    table[Json::json_pointer(pointer)] = value;
    return error_of([&] { (void)parse_plan_table(table, "t.json"); });
  };
  expect_contains(problem("/share", {0.5, 0.5, 0.5}), "t.json: /share");
  expect_contains(problem("/share", Json::array()), "/share");
  expect_contains(problem("/edges_db", {10, 0}), "ascend");
  expect_contains(problem("/edges_db", {0}), "one edge fewer");
  expect_contains(problem("/plans", Json::array()), "/plans");
  expect_contains(problem("/plans/2/uses", {1, 2}), "/plans/2/uses");
  expect_contains(problem("/plans/2/accuracy", {1, 2, 0}), "/plans/2/accuracy");
  expect_contains(problem("/plans/2/psnr_db", {1, 2, 3}), "all plans or for none");
  expect_contains(problem("/model_sha256", ""), "/model_sha256");
  expect_contains(problem("/plans/1/keep", 1.5), "/plans/1/keep");
  expect_contains(problem("/plans/1/depth", 16), "/plans/1/depth");
  expect_contains(problem("/plans/1/operations", "many"), "/plans/1/operations");
  expect_contains(problem("/plan", 1), "plans");
  const std::string path = temporary_path("large.json");
  std::ofstream(path) << std::string(PlanTable::largest_file + 1, ' ');
  expect_contains(error_of([&] { (void)read_plan_table(path); }), "larger than");
}

}  // namespace
}  // namespace semwave
