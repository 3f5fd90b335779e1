// A run that is killed, interrupted or out of disk keeps what was done, and a second run ends as
// one that was left alone.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/config/json.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

using program::Outcome;
using program::Running;

constexpr std::size_t grid = 30;

class Interruption : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = scratch_folder() + "/world";
    tiny::write_pictures(world_ + "/pictures", 1, 20);
    Json scenario = tiny::scenario("pictures");
    Json values = Json::array();
    for (std::size_t i = 0; i < grid; ++i) values.push_back(static_cast<double>(i) / 2 - 5);
    scenario["sweep"] = {{"/channel/snr_db", values}};
    scenario["output"] = {{"records", true}};
    tiny::write_text(world_ + "/x.json", scenario.dump());
    EXPECT_EQ(Running({"run", world_ + "/x.json", "--out", world_ + "/whole", "--threads", "1",
                       "--quiet"},
                      world_ + "/streams")
                  .wait()
                  .status,
              0);
  }

  /// Starts a run and signals it once some rows are there; tried again where a fast run was done
  /// before the signal came.
  static Outcome signalled(int number, const std::string& out) {
    Outcome outcome;
    for (int attempt = 0; attempt < 5; ++attempt) {
      std::filesystem::remove_all(out);
      Running running({"run", world_ + "/x.json", "--out", out, "--threads", "1"},
                      fresh_folder("streams"));
      while (!running.ended() && tiny::lines_of(out + "/results.jsonl").size() < 3)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      running.signal(number);
      outcome = running.wait();
      if (outcome.status != 0) break;
    }
    return outcome;
  }
  /// Runs on and compares with the run that was left alone.
  void expect_whole(const std::string& out) const {
    const Outcome again = program::run({"run", world_ + "/x.json", "--out", out, "--threads", "2"});
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(tiny::rows_without_times(out + "/results.jsonl"),
              tiny::rows_without_times(world_ + "/whole/results.jsonl"));
    EXPECT_EQ(tiny::read_text(out + "/records.jsonl"),
              tiny::read_text(world_ + "/whole/records.jsonl"));
    EXPECT_EQ(tiny::lines_of(out + "/results.csv").size(), grid + 1);
  }
  static inline std::string world_;
};

TEST_F(Interruption, KilledAndRunAgainGivesTheSameRows) {
  const std::string out = fresh_folder("out");
  ASSERT_EQ(signalled(SIGKILL, out).status, 128 + SIGKILL);
  const std::size_t rows = tiny::lines_of(out + "/results.jsonl").size();
  ASSERT_GE(rows, 3u);
  ASSERT_LT(rows, grid);
  expect_whole(out);
}

TEST_F(Interruption, CtrlCKeepsFinishedPoints) {
  const std::string out = fresh_folder("out");
  const Outcome outcome = signalled(SIGINT, out);
  ASSERT_EQ(outcome.status, 130) << outcome.err;
  EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("# not run: snr_db=9.5"), std::string::npos) << outcome.out;
  EXPECT_EQ(Json::parse(tiny::read_text(out + "/run.json"))["interrupted"], true);
  const std::size_t rows = tiny::lines_of(out + "/results.jsonl").size();
  EXPECT_LT(rows, grid);
  EXPECT_EQ(tiny::lines_of(out + "/results.csv").size(), rows + 1);
  expect_whole(out);
}

TEST_F(Interruption, AFullDiskLeavesEarlierRows) {
  const std::string out = fresh_folder("out");
  // A limit on file sizes stands in for a disk that is full: both stop a write half way. Children
  // inherit it.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{100000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  Running running({"run", world_ + "/x.json", "--out", out, "--threads", "1", "--quiet"},
                  fresh_folder("streams"));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "semwave: " + out + "/records.jsonl: cannot write: File too large\n");
  const auto rows = tiny::rows_without_times(out + "/results.jsonl"),
             whole = tiny::rows_without_times(world_ + "/whole/results.jsonl");
  ASSERT_GE(rows.size(), 1u);
  ASSERT_LT(rows.size(), grid);
  EXPECT_TRUE(std::equal(rows.begin(), rows.end(), whole.begin()));
  expect_whole(out);
}

}  // namespace
}  // namespace semwave
