// The program at work: it trains, runs, goes on and refuses, with a small network and pictures.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "core/config/json.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

using program::has;
using program::no_space;
using program::Outcome;
using program::run;

/// Pictures and a scenario in a folder, a trained network beside them.
class Program : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = scratch_folder() + "/world";
    tiny::write_pictures(world_ + "/pictures", 10, 20);
    Json train = tiny::scenario("pictures");
    train["source"]["split"] = "train";
    train["train"] = {{"epochs", 1}, {"batch", 8}, {"validate_images", 4}};
    tiny::write_text(world_ + "/train.json", train.dump());
    trained_ = program::Running(
                   {"train", world_ + "/train.json", "--out", world_ + "/model", "--threads", "1"},
                   world_ + "/streams")
                   .wait();
    Json scenario = tiny::scenario("pictures");
    scenario["model"] = "model/model.safetensors";
    tiny::write_text(world_ + "/x.json", scenario.dump());
  }
  void SetUp() override { ASSERT_EQ(trained_.status, 0) << trained_.err; }

  /// A scenario of this test beside the shared one.
  std::string with(const std::string& pointer, const Json& value) const {
    Json scenario = Json::parse(tiny::read_text(world_ + "/x.json"));
    scenario[Json::json_pointer(pointer)] = value;
    const std::string path =
        world_ + "/" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".json";
    tiny::write_text(path, scenario.dump());
    return path;
  }
  static inline std::string world_;
  static inline Outcome trained_;
};

TEST_F(Program, TrainsACheckpointThatRuns) {
  EXPECT_TRUE(std::filesystem::exists(world_ + "/model/model.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(world_ + "/model/training.jsonl"));
  EXPECT_EQ(Json::parse(tiny::read_text(world_ + "/model/scenario.json"))["train"]["batch"], 8);
  EXPECT_TRUE(has(trained_.out, "#epoch")) << trained_.out;
  const std::string out = fresh_folder("out");
  const Outcome result =
      run({"run", world_ + "/x.json", "--out", out, "--set", "/channel/snr_db=12", "--seed", "5"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto row = nlohmann::ordered_json::parse(tiny::lines_of(out + "/results.jsonl").at(0));
  EXPECT_EQ(row["images"], 40);
  EXPECT_EQ(row["seed"], 5);
  const Json scenario = Json::parse(tiny::read_text(out + "/scenario.json"));
  EXPECT_EQ(scenario["channel"]["snr_db"], 12);
  EXPECT_EQ(scenario["seed"], 5);
  for (const char* key :
       {"semwave_version", "compiler", "device", "threads", "start", "wall_seconds"})
    EXPECT_TRUE(Json::parse(tiny::read_text(out + "/run.json")).contains(key)) << key;
  EXPECT_EQ(tiny::lines_of(out + "/results.csv").size(), 2u);
}

TEST_F(Program, TheTableIsADataFile) {
  const Outcome result = run({"run", with("/sweep", {{"/channel/snr_db", {0, 10}}})});
  ASSERT_EQ(result.status, 0) << result.err;
  std::istringstream lines(result.out);
  std::vector<std::size_t> columns;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    columns.push_back(0);
    for (double number; words >> number;) ++columns.back();
    EXPECT_TRUE(words.eof()) << "not a number in: " << line;
  }
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_GT(columns[0], 8u);
  EXPECT_EQ(columns[0], columns[1]);
}

TEST_F(Program, TheTableFitsItsTerminal) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal) + unlockpt(terminal), 0);
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(ioctl(terminal, TIOCSWINSZ, &size), 0);
  const int held = open(ptsname(terminal), O_RDWR | O_NOCTTY);  // what was written stays to be read
  const std::vector<std::string> command{"run", world_ + "/x.json", "--quiet"};
  const Outcome result =
      program::Running(command, fresh_folder("streams"), ptsname(terminal)).wait();
  EXPECT_EQ(result.status, 0) << result.err;
  std::string text(65536, '\0');
  text.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, read(terminal, text.data(), text.size()))));
  close(held);
  close(terminal);
  EXPECT_TRUE(has(text, "columns do not fit the terminal")) << text;
  EXPECT_TRUE(has(text, " accuracy"));
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);  // the title, which is no part of the table
  while (std::getline(lines, line)) EXPECT_LE(line.size(), 81u) << line;  // with the terminal's \r
}

TEST_F(Program, RowsOutliveALostOutput) {
  const std::string out = fresh_folder("out");
  const std::vector<std::string> command{"run", world_ + "/x.json", "--out", out, "--quiet"};
  const Outcome lost = program::Running(command, fresh_folder("streams"), "/dev/full").wait();
  EXPECT_EQ(lost.status, 1);
  EXPECT_EQ(lost.err, "semwave: " + no_space);
  EXPECT_EQ(tiny::lines_of(out + "/results.jsonl").size(), 1u);
}

TEST_F(Program, JsonPrintsARowALine) {
  const Outcome result =
      run({"run", with("/sweep", {{"/channel/snr_db", {0, 10}}}), "--json", "--quiet"});
  ASSERT_EQ(result.status, 0);
  EXPECT_EQ(result.err, "");
  std::istringstream lines(result.out);
  int rows = 0;
  for (std::string line; std::getline(lines, line); ++rows)
    EXPECT_EQ(Json::parse(line)["status"], "done");
  EXPECT_EQ(rows, 2);
}

TEST_F(Program, RowsAreTheSameForAnyThreadsAndShards) {
  const std::string scenario = with("/sweep", {{"/channel/snr_db", {-5, 5}}}),
                    out = fresh_folder("out");
  ASSERT_EQ(run({"run", scenario, "--out", out + "/1", "--threads", "1"}).status, 0);
  const auto rows = tiny::rows_without_times(out + "/1/results.jsonl");
  ASSERT_EQ(rows.size(), 2u);
  for (const char* threads : {"2", "4"}) {
    ASSERT_EQ(
        run({"run", scenario, "--out", out + "/" + threads, "--threads", threads, "--shard", "3"})
            .status,
        0);
    EXPECT_EQ(tiny::rows_without_times(out + "/" + threads + "/results.jsonl"), rows)
        << threads << " threads";
  }
}

TEST_F(Program, ASecondRunFindsItsPointsThere) {
  const std::string scenario = with("/sweep", {{"/channel/snr_db", {0, 10}}}),
                    out = fresh_folder("out");
  ASSERT_EQ(run({"run", scenario, "--out", out}).status, 0);
  const std::string rows = tiny::read_text(out + "/results.jsonl");
  const Outcome again = run({"run", scenario, "--out", out});
  EXPECT_EQ(again.status, 0);
  EXPECT_TRUE(has(again.err, "2 of 2 points were there already")) << again.err;
  EXPECT_EQ(tiny::read_text(out + "/results.jsonl"), rows);
  // What was run can be run from its own folder, to the same points.
  EXPECT_TRUE(has(run({"run", out + "/scenario.json", "--out", out}).err,
                  "2 of 2 points were there already"));
}

TEST_F(Program, APointThatCannotRunIsKnownBeforeAnyRuns) {
  const Outcome result = run({"run", with("/sweep", {{"/metrics", {{"accuracy"}, {"ssim"}}}})});
  EXPECT_EQ(result.status, 2);
  EXPECT_TRUE(has(result.err, "'ssim' needs images")) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(Program, BadScenariosEndWithTwo) {
  const auto refused = [&](const std::string& pointer, const Json& value,
                           const std::string& words) {
    for (const char* command : {"validate", "run"}) {
      const Outcome result = run({command, with(pointer, value)});
      EXPECT_EQ(result.status, 2) << command << " " << pointer << " = " << value;
      EXPECT_TRUE(has(result.err, words)) << result.err;
      EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
      EXPECT_EQ(result.out, "");
    }
  };
  refused("/chanel", "awgn", "did you mean 'channel'?");
  refused("/transmitter/policy/keep", -1, "/transmitter/policy/keep: must be between 0 and 1");
  refused("/transmitter/policy/depth", 3, "3 is beyond the network's 2");
  refused("/model", "missing.safetensors", "missing.safetensors: cannot open");
  refused("/model", "x.json", "x.json");
  refused("/sweep", {{"/channel/snr_bd", {1}}}, "'snr_db'");
  const Outcome data = run({"run", with("/source/path", "nowhere")});
  EXPECT_EQ(data.status, 2);
  EXPECT_TRUE(has(data.err, "nowhere")) << data.err;
  EXPECT_EQ(run({"run", world_ + "/x.json", "--set", "channel=awgn"}).status, 2);
  EXPECT_EQ(run({"run", world_ + "/x.json", "--set", "/channel/kind=nan"}).status, 2);
  EXPECT_EQ(run({"run", world_ + "/train.json"}).status, 2) << "a network still to be trained";
  EXPECT_EQ(run({"train", world_ + "/x.json", "--out", fresh_folder("out")}).status, 2)
      << "nothing to train";
  EXPECT_EQ(run({"validate", world_ + "/x.json"}).status, 0);
}

TEST_F(Program, ValidateHoldsEveryPointAgainstItsNetwork) {
  const Outcome result = run(
      {"validate", with("/sweep", {{"/transmitter/policy/depth", {1, 3, 4}},
                                   {"/model", {"model/model.safetensors", "none.safetensors"}}})});
  EXPECT_EQ(result.status, 2);
  for (const char* words : {"3 is beyond the network's 2", "4 is beyond the network's 2",
                            "none.safetensors: cannot open"})
    EXPECT_TRUE(has(result.err, words)) << words << "\n" << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 3) << result.err;
}

TEST_F(Program, AFolderItCannotUseIsSaidInOneLine) {
  const Outcome result = run({"run", world_ + "/x.json", "--out", world_ + "/x.json/out"});
  EXPECT_EQ(result.status, 2);
  EXPECT_TRUE(has(result.err, "Not a directory")) << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

}  // namespace
}  // namespace semwave
