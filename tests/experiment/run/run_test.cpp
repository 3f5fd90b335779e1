// A whole grid with its folder: what runs, what is reused, what a failed point leaves.
#include "experiment/run/run.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/error.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

class RunOfTinyWorld : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    pictures_ = scratch_folder() + "/world";
    tiny::write_pictures(pictures_, 1, 30);
  }
  void SetUp() override {
    folder_ = fresh_folder("world");
    value_ = tiny::scenario(pictures_);
    value_["sweep"] = {{"/channel/snr_db", {0, 20}}, {"/transmitter/policy/keep", {0.25, 1}}};
    value_["output"] = {{"records", true}};
  }
  RunSummary run(const std::string& out, int threads, int shard) const {
    const auto backend = make_cpu_backend();
    ThreadPool pool(threads);
    semwave::Run made(parse_scenario(value_, "x.json"), *backend, pool);
    made.open(folder_ + "/" + out, {});
    return made.run(
        {.shard = shard, .interrupt = nullptr, .progress = {}, .finished = {}, .failed = {}});
  }
  std::string at(const std::string& file) const { return folder_ + "/" + file; }

  static inline std::string pictures_;
  std::string folder_;
  Json value_;
};

TEST_F(RunOfTinyWorld, RowsDoNotDependOnThreadsOrShards) {
  EXPECT_EQ(run("one", 1, 0).done, 4u);
  const auto rows = tiny::rows_without_times(at("one/results.jsonl"));
  ASSERT_EQ(rows.size(), 4u);
  for (const auto& [threads, shard] :
       {std::pair{2, 0}, std::pair{4, 1}, std::pair{3, 7}, std::pair{1, 60}}) {
    const std::string out = "out_" + std::to_string(threads) + "_" + std::to_string(shard);
    run(out, threads, shard);
    EXPECT_EQ(tiny::rows_without_times(at(out + "/results.jsonl")), rows)
        << threads << " threads, shards of " << shard;
    EXPECT_EQ(tiny::read_text(at(out + "/records.jsonl")),
              tiny::read_text(at("one/records.jsonl")));
  }
}

TEST_F(RunOfTinyWorld, RunsOnlyWhatIsMissing) {
  run("long", 1, 0);
  value_["sweep"] = {{"/channel/snr_db", {20}}, {"/transmitter/policy/keep", {1}}};
  EXPECT_EQ(run("grown", 1, 0).done, 1u);
  value_["sweep"] = {{"/channel/snr_db", {0, 20}}, {"/transmitter/policy/keep", {0.25, 1}}};
  const RunSummary summary = run("grown", 1, 0);
  EXPECT_EQ(summary.done, 3u);
  EXPECT_EQ(summary.reused, 1u);
  EXPECT_EQ(tiny::rows_without_times(at("grown/results.jsonl")),
            tiny::rows_without_times(at("long/results.jsonl")))
      << "in the order of the grid";
  EXPECT_EQ(tiny::read_text(at("grown/records.jsonl")), tiny::read_text(at("long/records.jsonl")));
  value_["seed"] = 9;
  EXPECT_EQ(run("grown", 1, 0).done, 4u) << "another seed, other points";
  EXPECT_EQ(tiny::lines_of(at("grown/results.jsonl")).size(), 8u) << "earlier rows stay";
}

TEST_F(RunOfTinyWorld, RowsNameFilesFromTheirFolder) {
  tiny::write_text(at("table.json"),
                   R"({"made_by": "test", "entries": [{"from_db": 0, "keep": 0.5, "depth": 1,)"
                   R"( "symbols_per_token": 4}]})");
  value_["sweep"] = {
      {"/transmitter/policy",
       {value_["transmitter"]["policy"], {{"kind", "table"}, {"file", at("table.json")}}}}};
  run("out", 1, 0);
  for (const bool again : {false, true}) {
    const auto row = OrderedJson::parse(tiny::lines_of(at("out/results.jsonl"))[1]);
    EXPECT_EQ(row["point"]["/transmitter/policy"]["file"], "../table.json")
        << "wherever the program was started";
    if (!again) {
      EXPECT_EQ(run("out", 1, 0).reused, 2u);
    }
  }
}

TEST_F(RunOfTinyWorld, AFolderHoldsResultsOfOneKind) {
  value_["sweep"] = {{"/channel/snr_db", {5, 5.0, 10}}};
  EXPECT_EQ(run("out", 1, 0).others, 0u) << "two points of one sum are one row";
  value_["sweep"] = {{"/channel/snr_db", {10, 20}}};
  EXPECT_EQ(run("out", 1, 0).others, 1u);
  EXPECT_NO_THROW(ResultFolder::check(at("out")));
  expect_contains(error_of([&] { ResultFolder::check(at("out"), "code"); }),
                  "holds results of another command");
  tiny::write_text(at("out/training.safetensors"), "");
  expect_contains(error_of([&] { run("out", 1, 0); }), "holds a training");
}

TEST_F(RunOfTinyWorld, ATableOfAModelIsRefusedBesideAFreshNetwork) {
  tiny::write_text(
      at("plans.json"),
      R"({"made_by": "test", "model_sha256": "abc", "network": {}, "edges_db": [], "share": [1],
    "plans": [{"keep": 0.5, "depth": 1, "symbols_per_token": 4, "operations": 1, "uses": [60],
      "accuracy": [0.5]}]})");
  value_["sweep"] = Json::object();
  value_["transmitter"]["policy"] = {{"kind", "pareto"}, {"file", at("plans.json")}, {"uses", 60}};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  expect_contains(error_of([&] { semwave::Run(parse_scenario(value_, "x.json"), *backend, pool); }),
                  "made for the model abc");
}

TEST_F(RunOfTinyWorld, AFailedPointLeavesTheOthers) {
  // What can be known is refused before anything runs; a table that goes away meanwhile cannot.
  const std::string table = at("table.json");
  tiny::write_text(table,
                   R"({"made_by": "test", "entries": [{"from_db": 0, "keep": 0.5, "depth": 1,)"
                   R"( "symbols_per_token": 4}]})");
  const Json fixed = value_["transmitter"]["policy"];
  value_["sweep"] = {{"/transmitter/policy",
                      {fixed,
                       {{"kind", "table"}, {"file", table}},
                       {{"kind", "fixed"}, {"keep", 1}, {"depth", 1}, {"symbols_per_token", 1}}}}};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  semwave::Run made(parse_scenario(value_, "x.json"), *backend, pool);
  std::filesystem::remove(table);
  std::vector<std::size_t> failed, finished;
  const RunSummary summary = made.run(
      {.shard = 0,
       .interrupt = nullptr,
       .progress = {},
       .finished = [&](std::size_t point, const OrderedJson&, bool) { finished.push_back(point); },
       .failed = [&](std::size_t point, const Error&) { failed.push_back(point); }});
  EXPECT_EQ(failed, std::vector<std::size_t>{1});
  EXPECT_EQ(finished, (std::vector<std::size_t>{0, 2}));
  EXPECT_EQ(summary.failed, 1u);
}

TEST_F(RunOfTinyWorld, MetricsThatWereNotAskedForAreLeftOut) {
  value_["metrics"] = {"psnr"};
  run("out", 1, 0);
  const auto row = OrderedJson::parse(tiny::lines_of(at("out/results.jsonl"))[0]);
  EXPECT_TRUE(row.contains("psnr_db"));
  EXPECT_FALSE(row.contains("accuracy"));
}

TEST_F(RunOfTinyWorld, RefusesImagesTheNetworkWasNotMadeFor) {
  value_["model"]["architecture"]["image"] = {16, 16, 1};
  const auto backend = make_cpu_backend();
  ThreadPool pool(1);
  EXPECT_THROW(semwave::Run(parse_scenario(value_, "x.json"), *backend, pool), Error);
}

}  // namespace
}  // namespace semwave
