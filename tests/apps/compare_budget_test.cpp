// semwave compare and semwave budget as a user meets them: what they print, and with which status
// they end.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/config/json.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

using program::has;
using program::Outcome;
using program::run;

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> made;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) made.push_back(Json::parse(line));
  return made;
}

/// A scenario over pictures, and two result folders of it.
class Folders : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = scratch_folder() + "/world";
    tiny::write_pictures(world_ + "/pictures", 10, 20);
    Json scenario = tiny::scenario("pictures");
    scenario["sweep"] = {{"/channel/snr_db", {0, 12}}};
    scenario["output"] = {{"records", true}};
    tiny::write_text(world_ + "/x.json", scenario.dump());
    for (const auto& [name, change] : {std::pair{"all", "/transmitter/policy/keep=1"},
                                       std::pair{"half", "/transmitter/policy/keep=0.5"},
                                       std::pair{"bare", "/output/records=false"}})
      ran_.push_back(program::Running(
                         {"run", world_ + "/x.json", "--set", change, "--out", world_ + "/" + name},
                         world_ + "/streams")
                         .wait());
  }
  void SetUp() override {
    for (const Outcome& outcome : ran_) ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  static inline std::string world_;
  static inline std::vector<Outcome> ran_;
};

TEST_F(Folders, LostOutputEndsWithOne) {
  const std::vector<std::vector<std::string>> commands{
      {"compare", world_ + "/all", world_ + "/half"}, {"budget", world_ + "/x.json", "--quiet"}};
  for (const std::vector<std::string>& command : commands) {
    const Outcome lost = program::Running(command, fresh_folder("streams"), "/dev/full").wait();
    EXPECT_EQ(lost.status, 1) << command[0];
    EXPECT_EQ(lost.err, "semwave: standard output is lost: No space left on device\n");
  }
}

TEST_F(Folders, CompareIsADataFile) {
  const Outcome made = run({"compare", world_ + "/all", world_ + "/half"});
  ASSERT_EQ(made.status, 0) << made.err;
  std::istringstream lines(made.out);
  int rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    ++rows;
    std::istringstream words(line);
    for (double number; words >> number;) {
    }
    EXPECT_TRUE(words.eof()) << "not a number in: " << line;
  }
  EXPECT_EQ(rows, 2);
  EXPECT_TRUE(has(made.out, "# A: ")) << made.out;
  EXPECT_TRUE(has(made.out, "all 2 points together")) << made.out;
}

TEST_F(Folders, CompareSaysWhatTheRowsSay) {
  const Outcome made = run({"compare", world_ + "/all", world_ + "/half", "--json"});
  ASSERT_EQ(made.status, 0) << made.err;
  const std::vector<Json> lines = json_lines(made.out);
  ASSERT_EQ(lines.size(), 3u);
  for (std::size_t i = 0; i < 2; ++i)
    for (const auto& [name, side] : {std::pair{"all", "a"}, std::pair{"half", "b"}}) {
      const Json row = Json::parse(tiny::lines_of(world_ + "/" + name + "/results.jsonl").at(i));
      EXPECT_EQ(lines[i]["pairs"], 40);
      EXPECT_EQ(lines[i][side]["point"], row["point"]);
      EXPECT_NEAR(lines[i]["accuracy"][side].get<double>(), row["accuracy"].get<double>(), 1e-12);
      EXPECT_NEAR(lines[i]["psnr_db"][side].get<double>(), row["psnr_db"].get<double>(), 1e-9);
      EXPECT_NEAR(lines[i]["channel_uses"][side].get<double>(),
                  row["channel_uses"]["total"].get<double>(), 1e-9);
      EXPECT_EQ(lines[i]["header_losses"][side], row["header_losses"]);
    }
  EXPECT_EQ(lines[2]["points"], 2);
  EXPECT_EQ(lines[2]["pairs"], 80);
  const Outcome two =
      run({"compare", world_ + "/all", world_ + "/all", "--a", "0", "--b", "1", "--json"});
  EXPECT_EQ(json_lines(two.out).size(), 1u) << two.err;
  const Outcome one = run(
      {"compare", world_ + "/all", world_ + "/half", "--point", "/channel/snr_db=12", "--json"});
  ASSERT_EQ(json_lines(one.out).size(), 1u) << one.err;
  EXPECT_EQ(json_lines(one.out)[0]["a"]["row"], 1);
}

TEST_F(Folders, CompareEndsWithTwoWhereItCannot) {
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& words) {
    const Outcome made = run(arguments);
    EXPECT_EQ(made.status, 2) << made.out;
    EXPECT_TRUE(has(made.err, words)) << made.err;
    EXPECT_EQ(std::count(made.err.begin(), made.err.end(), '\n'), 1) << made.err;
    EXPECT_EQ(made.out, "");
  };
  refused({"compare", world_ + "/all"}, "B is required");
  refused({"compare", world_ + "/all", world_ + "/nowhere"}, "is no result folder");
  refused({"compare", world_ + "/all", world_ + "/all"}, "choose points with --a and --b");
  refused({"compare", world_ + "/all", world_ + "/bare"},
          "run again with --set /output/records=true");
  refused({"compare", world_ + "/all", world_ + "/half", "--a", "2"},
          "has 2 points, counted from 0");
  refused({"compare", world_ + "/all", world_ + "/half", "--point", "snr=2"},
          "/json/pointer=value");
  refused({"compare", world_ + "/all", world_ + "/half", "--point", "/channel/snr_db=3"},
          "no matched point");
}

TEST_F(Folders, BudgetIsWhatTheRunThenTakes) {
  const Outcome made = run({"budget", world_ + "/x.json", "--set", "/transmitter/policy/keep=1",
                            "--json", "--quiet", "--threads", "1"});
  ASSERT_EQ(made.status, 0) << made.err;
  EXPECT_EQ(made.err, "");
  const std::vector<Json> lines = json_lines(made.out);
  ASSERT_EQ(lines.size(), 3u);
  for (std::size_t i = 0; i < 2; ++i) {
    const Json row = Json::parse(tiny::lines_of(world_ + "/all/results.jsonl").at(i));
    EXPECT_EQ(lines[i]["point"], row["point"]);
    EXPECT_EQ(lines[i]["images"], row["images"]);
    EXPECT_NEAR(lines[i]["channel_uses"]["total"].get<double>(),
                row["channel_uses"]["total"].get<double>(), 1e-9);
    EXPECT_NEAR(
        lines[i]["flops"]["transmitter"].get<double>() / row["flops"]["transmitter"].get<double>(),
        1, 1e-9);
    EXPECT_GT(lines[i]["seconds"].get<double>(), 0);
  }
  EXPECT_GT(lines[2]["seconds"].get<double>(),
            lines[0]["seconds"].get<double>() + lines[1]["seconds"].get<double>());
  const Outcome table = run({"budget", world_ + "/x.json", "--quiet"});
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_TRUE(has(table.out, "# all together: 80 images")) << table.out;
}

TEST_F(Folders, BudgetRefusesWhatRunRefuses) {
  EXPECT_EQ(run({"budget", world_ + "/none.json"}).status, 2);
  EXPECT_EQ(run({"budget", world_ + "/x.json", "--set", "/transmitter/policy/depth=9"}).status, 2);
  EXPECT_EQ(run({"budget", world_ + "/x.json", "--out", "x"}).status, 2) << "it writes nothing";
  const Outcome bare = run({"run", world_ + "/x.json", "--set", "/metrics=[]"});
  EXPECT_EQ(bare.status, 2);
  EXPECT_TRUE(has(bare.err, "/metrics: ")) << bare.err;
}

}  // namespace
}  // namespace semwave
