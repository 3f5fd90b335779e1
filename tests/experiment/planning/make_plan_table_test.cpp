// From records to a table: bins, isotonic smoothing, what is dropped, what is refused.
#include "experiment/planning/make_plan_table.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/random/random.h"
#include "experiment/results/results.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

TEST(Isotonic, IsTheNearestRisingSequence) {
  const std::vector<double> ones{1, 1, 1, 1};
  EXPECT_EQ(isotonic({1, 2, 3, 4}, ones), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(isotonic({4, 3, 2, 1}, ones), (std::vector<double>{2.5, 2.5, 2.5, 2.5}));
  EXPECT_EQ(isotonic({1, 3, 2, 4}, ones), (std::vector<double>{1, 2.5, 2.5, 4}));
  EXPECT_EQ(isotonic({1, 4, 1, 5}, {1, 3, 1, 1}), (std::vector<double>{1, 3.25, 3.25, 5}));
}

/// A folder as `semwave run` leaves it: two plans, the dear one better below 5 dB; a third that is
/// dearer and worse.
std::string folder_of(const std::vector<std::pair<std::string, Json>>& changes = {},
                      bool two_models = false) {
  static int number = 0;
  const std::string folder = fresh_folder(std::to_string(number++));
  Json value = tiny::scenario("pictures");
  for (const auto& [pointer, change] : std::vector<std::pair<std::string, Json>>{
           {"/name", "sweep"},
           {"/source/split", "validation"},
           {"/channel/snr_db", {{"uniform", {-5, 20}}}},
           {"/sweep", {{"/transmitter/policy/keep", {0.25, 0.5, 0.75}}}}})
    set_pointer(value, pointer, change, "test");
  for (const auto& [pointer, change] : changes) set_pointer(value, pointer, change, "test");
  tiny::write_text(folder + "/scenario.json", value.dump());
  const Scenario whole = read_scenario(folder + "/scenario.json");
  std::string rows, records;
  int p = 0;
  for (const Point& point : expand(whole)) {
    const std::string model = two_models && p == 1 ? "other" : "model",
                      sha = point_sha256(point.scenario, model, "images", DeviceKind::cpu);
    rows += Json{{"point_sha256", sha},
                 {"model_sha256", model},
                 {"data_sha256", "images"},
                 {"flops", {{"transmitter", 1e6 * (p + 1)}}}}
                .dump() +
            "\n";
    for (std::uint32_t i = 0; i < 4000 && p < 3; ++i) {
      const double snr = -5 + 25 * uniform(philox(1, Purpose::snr, i, 0, 0)[0]);
      const double share = p == 0 ? (snr < 5 ? 0.5 : 0.9) : p == 1 ? 0.9 : 0.3;
      const bool right =
          uniform(philox(2, Purpose::data_bits, i, 0, static_cast<std::uint32_t>(p))[0]) < share;
      records += Json{{"point_sha256", sha},
                      {"image", i},
                      {"label", 1},
                      {"decision", right ? 1 : 0},
                      {"plan", {{"keep", 0.25 * (p + 1)}, {"depth", 2}, {"symbols_per_token", 4}}},
                      {"believed_snr_db", snr},
                      {"uses", {{"total", 50.0 * (p + 1)}}}}
                     .dump() +
                 "\n";
    }
    ++p;
  }
  // What another scenario left in the folder stays there, and does not count.
  const std::string other(64, 'f');
  rows += Json{{"point_sha256", other},
               {"model_sha256", "model"},
               {"data_sha256", "images"},
               {"flops", {{"transmitter", 1.0}}}}
              .dump() +
          "\n";
  records += Json{{"point_sha256", other},
                  {"label", 1},
                  {"decision", 1},
                  {"plan", {{"keep", 0.25}, {"depth", 2}, {"symbols_per_token", 4}}},
                  {"believed_snr_db", 0},
                  {"uses", {{"total", 1.0}}}}
                 .dump() +
             "\n";
  tiny::write_text(folder + "/results.jsonl", rows);
  tiny::write_text(folder + "/records.jsonl", records);
  return folder;
}

TEST(Tabulate, MeasuresPlansInBinsOfEqualCount) {
  const std::string folder = folder_of();
  const MadePlanTable made = make_plan_table(folder + "/", 5);
  EXPECT_EQ(made.records, 12000);
  EXPECT_EQ(made.plans_measured, 3u);
  const PlanTable& table = made.table;
  ASSERT_EQ(table.plans.size(), 2u) << "the third is dearer and worse in every bin";
  ASSERT_EQ(table.bins(), 5);
  for (const double share : table.share) EXPECT_NEAR(share, 0.2, 0.001);
  for (int b = 0; b < 4; ++b)
    EXPECT_NEAR(table.edges_db[static_cast<std::size_t>(b)], -5 + 5 * (b + 1), 0.5);
  EXPECT_NEAR(table.plans[0].accuracy[0], 0.5, 0.06);
  EXPECT_NEAR(table.plans[0].accuracy[4], 0.9, 0.04);
  EXPECT_NEAR(table.plans[1].accuracy[0], 0.9, 0.04);
  EXPECT_EQ(table.plans[1].uses[3], 100);
  EXPECT_EQ(table.plans[1].operations, 2e6);
  EXPECT_TRUE(std::is_sorted(table.plans[0].accuracy.begin(), table.plans[0].accuracy.end()));
  EXPECT_EQ(table.model_sha256, "model");
  EXPECT_EQ(table.network["positions"], "sent");
  EXPECT_EQ(table.network["gate"]["kind"], "learned");
  EXPECT_TRUE(table.made_by.starts_with(
      "semwave table " + std::filesystem::path(folder).filename().string() + " --bins 5; "))
      << "no path: " << table.made_by;
  EXPECT_TRUE(table.plans[0].psnr_db.empty());
  const std::vector<int> choice = table.best(Worth::accuracy, 72);
  EXPECT_EQ(choice[0], 1);
  EXPECT_EQ(choice[4], 0);
}

TEST(Tabulate, RefusesWhatATableMustNotBeMadeOf) {
  const auto problem = [](const std::string& pointer, const Json& change) {
    return error_of([&] { (void)make_plan_table(folder_of({{pointer, change}}), 5); });
  };
  expect_contains(problem("/source/split", "test"), "validation");
  expect_contains(problem("/sweep", {{"/source/split", {"validation", "test"}}}),
                  "sweeps /source/split");
  expect_contains(problem("/sweep", {{"/transmitter/gate", {"learned", "random"}}}),
                  "sweeps /transmitter/gate");
  expect_contains(problem("/timeline", {{"slots", 10}}), "timeline");
  expect_contains(error_of([] { (void)make_plan_table(folder_of({}, true), 5); }),
                  "several models");
  expect_contains(error_of([] { (void)make_plan_table("/nowhere", 5); }), "/nowhere");
  const std::string part = folder_of();
  const std::vector<std::string> rows = tiny::lines_of(part + "/results.jsonl");
  tiny::write_text(part + "/results.jsonl", rows[0] + "\n" + rows[1] + "\n");
  expect_contains(error_of([&] { (void)make_plan_table(part, 5); }), "2 of the 3 points");
  const std::string folder = folder_of();
  const std::string records = tiny::read_text(folder + "/records.jsonl");
  tiny::write_text(folder + "/records.jsonl", records + records.substr(0, 40));
  EXPECT_EQ(make_plan_table(folder, 5).records, 12000) << "a torn last line is left out";
  tiny::write_text(folder + "/records.jsonl", "{}\n" + records);
  expect_contains(error_of([&] { (void)make_plan_table(folder, 5); }), "records.jsonl:1");
  tiny::write_text(folder + "/records.jsonl", "");
  expect_contains(error_of([&] { (void)make_plan_table(folder, 5); }), "no record");
}

}  // namespace
}  // namespace semwave
