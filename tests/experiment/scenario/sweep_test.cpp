// The grid of a scenario.
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "experiment/scenario/scenario.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

Scenario with_sweep(const std::string& sweep) {
  const std::string path = fresh_folder("sweep") + "/x.json";
  std::string text = tiny::scenario("pictures").dump();
  text.back() = ',';
  tiny::write_text(path, text + "\"sweep\": " + sweep + "}");
  return read_scenario(path);
}

std::string mistake_of(const std::string& sweep) {
  try {
    (void)expand(with_sweep(sweep));
  } catch (const Error& mistake) {
    return mistake.what();
  }
  return "";
}

TEST(Sweep, IsTheProductInTheOrderWritten) {
  const Scenario scenario = with_sweep(
      R"({"/transmitter/policy/keep": [0.25, 1], "/channel/snr_db": {"from": 0, "to": 10,)"
      R"( "step": 5}})");
  const std::vector<Point> points = expand(scenario);
  ASSERT_EQ(points.size(), 6u);
  const std::vector<std::pair<double, double>> expected{{0.25, 0}, {0.25, 5}, {0.25, 10},
                                                        {1, 0},    {1, 5},    {1, 10}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(points[i].scenario.policy["keep"], expected[i].first);
    EXPECT_EQ(points[i].scenario.channel.snr.from_db, expected[i].second);
    EXPECT_EQ(points[i].swept["/channel/snr_db"], expected[i].second);
    EXPECT_TRUE(points[i].scenario.sweep.empty());
  }
}

TEST(Sweep, OnePointWithoutIt) {
  const std::vector<Point> points = expand(parse_scenario(tiny::scenario("pictures"), "x.json"));
  ASSERT_EQ(points.size(), 1u);
  EXPECT_TRUE(points[0].swept.empty());
}

TEST(Sweep, TakesWholeObjects) {
  const Scenario scenario =
      with_sweep(R"({"/transmitter/policy": [{"kind": "fixed", "keep": 0.5, "depth": 1}, "fixed"],)"
                 R"( "/channel": ["ideal", {"kind": "awgn", "snr_db": 3}]})");
  const std::vector<Point> points = expand(scenario);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_TRUE(points[0].scenario.channel.noiseless);
  EXPECT_EQ(points[1].scenario.channel.snr.from_db, 3);
  EXPECT_EQ(points[1].scenario.policy["depth"], 1);
  EXPECT_EQ(points[2].scenario.policy["keep"], 1.0);
}

TEST(Sweep, RangesKeepBothEndsAndShortNumbers) {
  const Place place{"x.json", "/sweep"};
  EXPECT_EQ(sweep_values({{"from", 0}, {"to", 0.3}, {"step", 0.1}}, place),
            (std::vector<Json>{0, 0.1, 0.2, 0.3}));
  EXPECT_EQ(sweep_values({{"from", 5}, {"to", -5}, {"step", -5}}, place),
            (std::vector<Json>{5, 0, -5}));
  EXPECT_EQ(sweep_values({{"from", 0}, {"to", 1}, {"step", 0.4}}, place).size(), 3u);
  EXPECT_EQ(sweep_values({{"from", 2}, {"to", 2}, {"step", 1}}, place).size(), 1u);
}

TEST(Sweep, RefusesWhatMakesNoGrid) {
  EXPECT_NE(mistake_of(R"({"/channel/snr_db": []})").find("at least one value"), std::string::npos);
  EXPECT_NE(mistake_of(R"({"/channel/snr_db": {"from": 0, "to": 5, "step": -1}})").find("step"),
            std::string::npos);
  EXPECT_NE(mistake_of(R"({"/channel/snr_db": {"from": 0, "to": 5, "step": 0}})").find("step"),
            std::string::npos);
  EXPECT_NE(mistake_of(R"({"/channel/snr_db": {"from": 0, "to": 1e9, "step": 1}})")
                .find("more than 100000"),
            std::string::npos);
  EXPECT_NE(mistake_of(R"({"/name": ["a", "b"]})").find("cannot be swept"), std::string::npos);
  EXPECT_NE(mistake_of(R"({"channel": ["awgn"]})").find("JSON pointer"), std::string::npos);
}

TEST(Sweep, NamesAPointerThatLeadsNowhere) {
  const std::string no_parent = mistake_of(R"({"/chanel/snr_db": [1]})");
  EXPECT_NE(no_parent.find("/sweep/~1chanel~1snr_db"), std::string::npos) << no_parent;
  EXPECT_NE(no_parent.find("'channel'"), std::string::npos) << no_parent;
  const std::string no_key = mistake_of(R"({"/channel/snr_bd": [1]})");
  EXPECT_NE(no_key.find("/channel/snr_bd"), std::string::npos) << no_key;
  EXPECT_NE(no_key.find("'snr_db'"), std::string::npos) << no_key;
}

TEST(Sweep, NamesThePointThatDoesNotResolve) {
  const std::string text =
      mistake_of(R"({"/channel/snr_db": [1], "/transmitter/policy/keep": [0.5, 1.5]})");
  EXPECT_NE(text.find("/transmitter/policy/keep: must be between 0 and 1, found 1.5"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("at the swept point"), std::string::npos) << text;
  EXPECT_NE(
      mistake_of(R"({"/transmitter/policy/depth": [1, 2, 3]})").find("3 is beyond the network"),
      std::string::npos);
}

}  // namespace
}  // namespace semwave
