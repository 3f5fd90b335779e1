// The table on a terminal: what is data, what fits, what adds up.
#include "experiment/results/text_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "experiment/results/results.h"
#include "experiment/run/run.h"
#include "tests/experiment/results/four_images.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

TEST(Table, EveryLineThatIsNoDataBeginsWithAHash) {
  Json value = tiny::scenario("pictures");
  value["sweep"] = {
      {"/channel/snr_db", {0, 10}},
      {"/transmitter/policy",
       {{{"kind", "fixed"}, {"keep", 0.25}, {"depth", 1}, {"symbols_per_token", 4}}}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  const Table table(scenario, points);
  Model model;
  model.architecture = *scenario.architecture;
  const std::string line = table.line(make_row(scenario, points[1], model.sha256, eight_by_eight(),
                                               four_images(scenario.metrics), "sha"));
  std::stringstream header(table.header());
  std::vector<std::string> heads;
  for (std::string head; std::getline(header, head);) heads.push_back(head);
  ASSERT_EQ(heads.size(), 2u);
  EXPECT_TRUE(heads[0].starts_with("#") && heads[1].starts_with("#"));
  EXPECT_EQ(heads[1].size() + 1, line.size()) << heads[1] << "\n" << line;
  std::stringstream names(heads[1].substr(1)), cells(line);
  std::vector<std::string> name_list{std::istream_iterator<std::string>(names), {}},
      cell_list{std::istream_iterator<std::string>(cells), {}};
  ASSERT_EQ(name_list.size(), cell_list.size()) << "a value with a blank would shift the columns";
  EXPECT_EQ(name_list[0], "snr_db");
  EXPECT_EQ(cell_list[0], "10");
  EXPECT_EQ(cell_list[1], "fixed(depth=1,keep=0.25,S=4)");
  EXPECT_EQ(table.label(points[0]), "snr_db=0 policy=fixed(depth=1,keep=0.25,S=4)");
}

TEST(Results, ATableSaysListsInPlainWords) {
  Json value = tiny::scenario("pictures");
  const Json chain =
      Json::parse(R"({"kind": "chain", "of": [{"kind": "nakagami", "m": 4}, "erasure"]})");
  value["sweep"] = {{"/channel", {chain}}, {"/transmitter/gate/at", {Json::array({0})}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  const std::string label = Table(scenario, points).label(points[0]);
  EXPECT_NE(label.find("channel=chain(of=[nakagami(m=4),erasure])"), std::string::npos) << label;
  EXPECT_NE(label.find("at=[0]"), std::string::npos) << label;
}

/// The names of a table's columns.
std::vector<std::string> names_of(const Table& table) {
  const std::string header = table.header();
  const std::size_t last = header.rfind('#');
  std::stringstream names(header.substr(last + 1));
  return {std::istream_iterator<std::string>(names), {}};
}

TEST(Table, PartsOfTheUsesAddUpToTheTotal) {
  const auto parts = [](const Json& value) {
    return parts_of_uses(expand(parse_scenario(value, "x.json")));
  };
  using Parts = std::vector<std::string>;
  Json value = tiny::scenario("pictures");
  EXPECT_EQ(parts(value), (Parts{"payload", "header"}));
  value["channel"] = {{"kind", "rayleigh"},
                      {"snr_db", 5},
                      {"csi", {{"receiver", {{"kind", "estimated"}, {"pilots", 4}}}}}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "pilots"}));
  value["channel"] = {{"kind", "tdl"}, {"snr_db", 5}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "prefix"}));
  value["transmitter"]["link"] = {{"kind", "digital"}};
  EXPECT_EQ(parts(value), (Parts{"payload", "header", "parity", "prefix"}));
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<std::string> names = names_of(Table(scenario, expand(scenario)));
  EXPECT_EQ(std::count(names.begin(), names.end(), "parity"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "prefix"), 1);
}

TEST(Table, FitsANarrowTerminal) {
  Json value = tiny::scenario("pictures");
  value["sweep"] = {
      {"/transmitter/policy",
       {{{"kind", "fixed"}, {"keep", 0.25}, {"depth", 1}, {"symbols_per_token", 4}}}}};
  const Scenario scenario = parse_scenario(value, "x.json");
  const std::vector<Point> points = expand(scenario);
  Model model;
  model.architecture = *scenario.architecture;
  const OrderedJson row = make_row(scenario, points[0], model.sha256, eight_by_eight(),
                                   four_images(scenario.metrics), "sha");
  for (const std::size_t width : {100u, 80u, 60u, 44u}) {
    Table table(scenario, points);
    const std::size_t all = names_of(table).size();
    table.fit(width);
    std::stringstream lines(table.header() + table.line(row));
    std::string line;
    std::getline(lines, line);
    const std::size_t left = names_of(table).size();
    EXPECT_LT(left, all);
    EXPECT_TRUE(line.starts_with("# " + std::to_string(all - left) + " columns do not fit"))
        << line;
    for (std::size_t next = 0; std::getline(lines, line); ++next)
      EXPECT_LE(line.size(), width) << line;
    const std::vector<std::string> names = names_of(table);
    for (const char* kept : {"total", "accuracy"})
      EXPECT_EQ(std::count(names.begin(), names.end(), kept), 1) << kept;
  }
  Table whole(scenario, points), wide(scenario, points);
  wide.fit(1000);
  EXPECT_EQ(wide.header() + wide.line(row), whole.header() + whole.line(row));
}

}  // namespace
}  // namespace semwave
