// Two settings image by image: closed values of the statistics, which points belong together, what
// is refused.
#include "experiment/results/compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

ImageRecord record(std::uint32_t image, int label, int decision, std::int64_t uses = 10,
                   double psnr_db = nothing) {
  ImageRecord made;
  made.image = image;
  made.label = label;
  made.decision = decision;
  made.uses = {.payload = uses};
  made.header_lost = decision < 0;
  made.scores[0] = psnr_db;
  return made;
}

TEST(McNemarTest, ClosedValues) {
  EXPECT_DOUBLE_EQ(mcnemar_p(0, 0), 1);
  EXPECT_DOUBLE_EQ(mcnemar_p(5, 5), 1);
  EXPECT_NEAR(mcnemar_p(0, 6), 2.0 / 64, 1e-12);
  EXPECT_NEAR(mcnemar_p(9, 1), 22.0 / 1024, 1e-12);
  // Exact sums of binomial coefficients in whole numbers.
  EXPECT_NEAR(mcnemar_p(121, 59) / 4.434449263755176e-06, 1, 1e-9);
  EXPECT_NEAR(mcnemar_p(300, 400) / 0.00017847631448562445, 1, 1e-9);
  // (|600 - 500| - 1)^2 / 1100 = 8.91.
  EXPECT_NEAR(mcnemar_p(600, 500), 0.002836132655654686, 1e-12);
  EXPECT_NEAR(mcnemar_p(460, 540) / mcnemar_p(461, 541), 1, 0.03)
      << "the two forms meet where one hands over to the other";
  EXPECT_GT(mcnemar_p(1, 999), 0) << "no underflow";
}

TEST(PairedTotalsTest, HandMadePairs) {
  PairedTotals totals({"psnr_db", "ssim"});
  totals.add(record(0, 1, 1, 10, 20), record(0, 1, 1, 14, 21));
  totals.add(record(1, 1, 0, 10, 10), record(1, 1, 1, 12, 13));
  totals.add(record(2, 0, 0, 10, 15), record(2, 0, -1, 12, nothing));
  totals.add(record(3, 0, 1, 10, 12), record(3, 0, 0, 14, 14));
  const Comparison made = totals.result();
  EXPECT_EQ(made.pairs, 4);
  EXPECT_DOUBLE_EQ(made.accuracy.a, 0.5);
  EXPECT_DOUBLE_EQ(made.accuracy.b, 0.75);
  EXPECT_DOUBLE_EQ(made.accuracy.difference, 0.25);
  // Differences 0, 1, -1, 1: variance 2.75 / 3; t of 3 degrees of freedom is 3.18 (the expansion is
  // within 1.5 % there).
  EXPECT_NEAR(made.accuracy.halfwidth, 3.182 * std::sqrt(2.75 / 3 / 4), 0.03);
  EXPECT_EQ(made.mcnemar.a_only, 1);
  EXPECT_EQ(made.mcnemar.b_only, 2);
  EXPECT_DOUBLE_EQ(made.mcnemar.p, 1);
  ASSERT_EQ(made.scores.size(), 2u);
  const auto& [key, psnr_db] = made.scores[0];
  EXPECT_EQ(key, "psnr_db");
  EXPECT_EQ(psnr_db.pairs, 3) << "an image without a PSNR in one of them has no pair";
  EXPECT_DOUBLE_EQ(psnr_db.difference, 2);
  EXPECT_DOUBLE_EQ(psnr_db.a, 14);
  EXPECT_EQ(made.scores[1].second.pairs, 0);
  EXPECT_DOUBLE_EQ(made.uses.difference, 3);
  EXPECT_EQ(made.losses_a, 0);
  EXPECT_EQ(made.losses_b, 1);
}

TEST(PairedTotalsTest, AnImageAtManyPointsIsOneCluster) {
  PairedTotals once, often;
  for (std::uint32_t image = 0; image < 200; ++image) {
    const int b = image % 3 == 0, a = image % 5 == 0;
    once.add(record(image, 1, a), record(image, 1, b));
    for (int point = 0; point < 7; ++point) often.add(record(image, 1, a), record(image, 1, b));
  }
  EXPECT_EQ(often.result().pairs, 1400);
  EXPECT_DOUBLE_EQ(often.result().accuracy.difference, once.result().accuracy.difference);
  EXPECT_NEAR(often.result().accuracy.halfwidth, once.result().accuracy.halfwidth, 1e-12)
      << "saying it seven times makes it no surer";
  EXPECT_NEAR(often.result().mcnemar.p, once.result().mcnemar.p, 0.02);
}

TEST(PairedTotalsTest, ALateAnswerIsAWrongOne) {
  PairedTotals totals;
  ImageRecord late = record(0, 1, 1);
  late.timeline = late.late = true;
  ImageRecord early = late;
  early.late = false;
  totals.add(late, early);
  EXPECT_EQ(totals.result().mcnemar.b_only, 1);
}

/// The message of the Error that `body` throws holds all these words.
template <typename Body>
void expect_error(Body&& body, const std::vector<std::string>& words) {
  const std::string text = error_of(std::forward<Body>(body));
  for (const std::string& word : words) expect_contains(text, word);
}

/// A result folder by hand: one point for each SNR, records of images first..first + count - 1.
struct Made {
  std::vector<int> snr_db;
  int first = 0, count = 4;
  std::string split = "test";
  bool records = true;
  bool decides = true;  // its rows have an accuracy
  int label_of_two = 0;
};

std::string make_folder(const std::string& name, const Made& made) {
  const std::string path = fresh_folder(name);
  Json scenario{{"name", name},
                {"source", {{"dataset", "folder"}, {"split", made.split}, {"count", 0}}},
                {"channel", {{"snr_db", 5}}},
                {"sweep", Json::object()}};
  if (made.snr_db.size() > 1) scenario["sweep"]["/channel/snr_db"] = made.snr_db;
  tiny::write_text(path + "/scenario.json", scenario.dump());
  std::string rows, records;
  for (std::size_t i = 0; i < made.snr_db.size(); ++i) {
    const std::string sha(64, static_cast<char>('a' + i));
    OrderedJson point = OrderedJson::object();
    if (made.snr_db.size() > 1) point["/channel/snr_db"] = made.snr_db[i];
    OrderedJson row{{"point", point}, {"point_sha256", sha}};
    if (made.decides) row["accuracy"] = 1;
    rows += row.dump() + "\n";
    for (int image = made.first; image < made.first + made.count; ++image)
      records += make_record(record(static_cast<std::uint32_t>(image),
                                    image == 2 ? made.label_of_two : 0, 0, 10 + made.snr_db[i]),
                             {}, sha)
                     .dump() +
                 "\n";
  }
  tiny::write_text(path + "/results.jsonl", rows);
  if (made.records) tiny::write_text(path + "/records.jsonl", records);
  return path;
}

std::vector<std::pair<std::size_t, std::size_t>> matched(const RecordedFolder& a,
                                                         const RecordedFolder& b,
                                                         std::optional<std::size_t> of_a = {},
                                                         std::optional<std::size_t> of_b = {}) {
  std::vector<std::pair<std::size_t, std::size_t>> made;
  for (const MatchedPoint& match : match_points(a, b, of_a, of_b))
    made.emplace_back(match.a, match.b);
  return made;
}

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

TEST(MatchTest, OfARunThatWasKilledOnlyItsOwnRowsCount) {
  // Rows of an earlier sweep over 0, 5 and 10 dB stand in the file; the sweep over 10 and 20 dB
  // that followed was killed behind its first point.
  const std::string path = make_folder("killed", {.snr_db = {0, 5, 10}});
  Json scenario = Json::parse(read_file_whole(path + "/scenario.json", 1 << 20));
  scenario["sweep"]["/channel/snr_db"] = {10, 20};
  tiny::write_text(path + "/scenario.json", scenario.dump());
  const OrderedJson own{{"point", {{"/channel/snr_db", 10}}},
                        {"point_sha256", std::string(64, 'f')}};
  tiny::write_text(path + "/results.jsonl",
                   read_file_whole(path + "/results.jsonl", 1 << 20) + own.dump() + "\n");
  tiny::write_text(path + "/run.json", R"({"command": ["semwave", "run"]})");
  const RecordedFolder killed(path);
  ASSERT_EQ(killed.grid(), 1u);
  EXPECT_EQ(killed.rows().size(), 4u);
  EXPECT_EQ(killed.rows()[0]["point_sha256"], std::string(64, 'f'));
  EXPECT_EQ(killed.value_at(1, "/channel/k_db"), Json())
      << "what an earlier sweep's scenario said is not known";
}

TEST(MatchTest, ARangeThatWasKilledKnowsItsRows) {
  const std::string path = make_folder("killed", {.snr_db = {0, 5, 10}});
  Json scenario = Json::parse(read_file_whole(path + "/scenario.json", 1 << 20));
  scenario["sweep"]["/channel/snr_db"] = {{"from", 5}, {"to", 20}, {"step", 5}};
  tiny::write_text(path + "/scenario.json", scenario.dump());
  tiny::write_text(path + "/run.json", R"({"command": ["semwave", "run"]})");
  EXPECT_EQ(RecordedFolder(path).grid(), 2u);
}

TEST(MatchTest, FilesAreTheSameHoweverFoldersNameThem) {
  // Two folders at different depths, each naming the tables of policies from where it lies; one of
  // them was killed.
  const std::string root = fresh_folder("root");
  std::vector<std::string> paths;
  for (const std::string below : {"one", "deep/two"}) {
    const std::string path = root + "/" + below, up = below == "one" ? "../" : "../../";
    std::filesystem::create_directories(path);
    Json policies = Json::array();
    std::string rows;
    for (const char* table : {"a.json", "b.json"}) {
      policies.push_back({{"kind", "table"}, {"file", up + table}});
      rows += OrderedJson{{"point", {{"/transmitter/policy", policies.back()}}},
                          {"point_sha256", std::string(64, table[0])}}
                  .dump() +
              "\n";
    }
    if (below != "one") std::swap(policies[0], policies[1]);
    tiny::write_text(path + "/scenario.json",
                     Json{{"name", below}, {"sweep", {{"/transmitter/policy", policies}}}}.dump());
    tiny::write_text(path + "/results.jsonl", rows);
    if (below != "one") tiny::write_text(path + "/run.json", R"({"command": ["semwave", "run"]})");
    paths.push_back(path);
  }
  const RecordedFolder a(paths[0]), b(paths[1]);
  EXPECT_EQ(b.grid(), 2u);
  EXPECT_EQ(matched(a, b), (Pairs{{0, 0}, {1, 1}}));
}

TEST(PairedTotalsTest, OneImageHasNoInterval) {
  PairedTotals totals({"psnr_db", "ssim"});
  totals.add(record(0, 1, 1, 10, 20), record(0, 1, 0, 14, 21));
  const OrderedJson shown = comparison_json(totals.result());
  EXPECT_EQ(shown["channel_uses"]["difference"], 4);
  EXPECT_TRUE(shown["channel_uses"]["ci95"].is_null());
  EXPECT_TRUE(shown["accuracy"]["ci95"].is_null());
}

TEST(MatchTest, PointsOfEqualSweptValuesBelongTogether) {
  const RecordedFolder a(make_folder("a", {.snr_db = {0, 5, 10}})),
      b(make_folder("b", {.snr_db = {10, 20, 0}})), five(make_folder("five", {.snr_db = {5}})),
      one(make_folder("one", {.snr_db = {7}}));
  EXPECT_EQ(matched(a, b), (Pairs{{0, 2}, {2, 0}}));
  EXPECT_EQ(matched(a, five), (Pairs{{1, 0}})) << "what one did not sweep its scenario says";
  EXPECT_EQ(matched(five, one), (Pairs{{0, 0}})) << "where each has one point, those";
  EXPECT_EQ(matched(a, b, 1, 1), (Pairs{{1, 1}}));
  EXPECT_EQ(matched(a, b, 1), (Pairs{{1, 0}, {1, 1}, {1, 2}})) << "one against all";
  EXPECT_EQ(matched(a, a, {}, 0), (Pairs{{1, 0}, {2, 0}})) << "but not against itself";
}

TEST(MatchTest, WhatDoesNotBelongTogetherIsSaid) {
  const RecordedFolder a(make_folder("a", {.snr_db = {0, 5}})),
      b(make_folder("b", {.snr_db = {1, 2}})), twice(make_folder("twice", {.snr_db = {0, 0}}));
  expect_error([&] { match_points(a, b, {}, {}); },
               {"snr_db=0; snr_db=5", "snr_db=1", "--a and --b"});
  expect_error([&] { match_points(a, a, {}, {}); }, {"compared with itself", "--a and --b"});
  expect_error([&] { match_points(a, b, 2, {}); }, {"--a 2", "has 2 points"});
  expect_error([&] { match_points(a, twice, {}, {}); },
               {"points 0 and 1 have the same swept values"});
}

TEST(CompareTest, CommonImagesOnlyAndTheRestIsCounted) {
  const RecordedFolder a(make_folder("a", {.snr_db = {0}, .first = 0, .count = 4})),
      b(make_folder("b", {.snr_db = {3}, .first = 1, .count = 6}));
  PairedTotals all;
  const PointComparison made = compare_point(a, b, {0, 0}, all);
  EXPECT_EQ(made.both.pairs, 3);
  EXPECT_EQ(made.only_a, 1);
  EXPECT_EQ(made.only_b, 3);
  EXPECT_DOUBLE_EQ(made.both.uses.difference, 3);
  EXPECT_EQ(all.result().pairs, 3);
}

TEST(CompareTest, OtherImagesAreRefused) {
  const RecordedFolder a(make_folder("a", {.snr_db = {0}}));
  const auto refused = [&](const Made& made, std::vector<std::string> words) {
    const RecordedFolder b(make_folder("b", made));
    expect_error(
        [&] {
          PairedTotals all;
          compare_point(a, b, {0, 0}, all);
        },
        words);
  };
  refused({.snr_db = {0}, .split = "validation"}, {"/source/split", "validation"});
  refused({.snr_db = {0}, .label_of_two = 3},
          {"b/records.jsonl: line 3", "image 2 is of class 3 here and of class 0"});
  refused({.snr_db = {0}, .first = 10}, {"no image in common"});
  refused({.snr_db = {0}, .records = false}, {"has no records of b", "--set /output/records=true"});
}

TEST(CompareTest, WhereOneMeasuredNoAccuracyNothingIsSaidOfIt) {
  const RecordedFolder a(make_folder("a", {.snr_db = {0}})),
      b(make_folder("b", {.snr_db = {0}, .decides = false}));
  PairedTotals all;
  const PointComparison made = compare_point(a, b, {0, 0}, all);
  EXPECT_EQ(made.both.pairs, 4);
  const OrderedJson shown = comparison_json(made.both);
  EXPECT_FALSE(shown.contains("accuracy"));
  EXPECT_FALSE(shown.contains("mcnemar"));
  EXPECT_TRUE(shown.contains("channel_uses"));
  EXPECT_FALSE(comparison_json(all.result()).contains("accuracy"));
  compare_point(a, a, {0, 0}, all);
  EXPECT_EQ(comparison_json(all.result())["accuracy"]["pairs"], 4) << "of the eight pairs";
}

TEST(CompareTest, BrokenRecordsAreNamedWithTheirLine) {
  const std::string path = make_folder("a", {.snr_db = {0}});
  const RecordedFolder good(make_folder("b", {.snr_db = {0}}));
  const std::vector<std::string> lines = tiny::lines_of(path + "/records.jsonl");
  const auto compare_with = [&](const std::string& text) {
    tiny::write_text(path + "/records.jsonl", text);
    const RecordedFolder folder(path);
    PairedTotals all;
    return compare_point(folder, good, {0, 0}, all).both.pairs;
  };
  const std::string two = lines[0] + "\n" + lines[1] + "\n";
  EXPECT_EQ(compare_with(two + lines[2]), 2) << "a torn last line is left out";
  expect_error([&] { compare_with(two + lines[2].substr(0, 90) + "\n"); },
               {"records.jsonl: line 3", "is no record"});
  expect_error([&] { compare_with(two + "nonsense\n"); },
               {"records.jsonl: line 3", "is no record"});
  expect_error([&] { compare_with(two + lines[0] + "\n"); },
               {"line 3", "image 0 stands behind image 1"});
}

TEST(CompareTest, LinksOfATimelineAreJoinedByArrival) {
  std::vector<std::string> path;
  for (const bool late : {false, true}) {
    path.push_back(make_folder(late ? "late" : "early", {.snr_db = {0}}));
    std::string text;
    // The second run sends link 1 before link 0, and drops the image that arrived last.
    for (int i = 0; i < (late ? 5 : 6); ++i) {
      const auto n = static_cast<std::uint32_t>(late ? i ^ 1 : i);
      if (n > 5) continue;
      ImageRecord one = record(n, 0, 0);
      one.timeline = true;
      one.link = n % 2;
      one.arrived = n / 2;
      one.slot = one.arrived;
      one.late = late && n == 3;
      text += make_record(one, {}, std::string(64, 'a')).dump() + "\n";
    }
    tiny::write_text(path.back() + "/records.jsonl", text);
  }
  const RecordedFolder a(path[0]), b(path[1]);
  PairedTotals all;
  const PointComparison made = compare_point(a, b, {0, 0}, all);
  EXPECT_EQ(made.both.pairs, 5);
  EXPECT_EQ(made.only_a, 1);
  EXPECT_TRUE(made.timeline);
  EXPECT_EQ(made.both.mcnemar.a_only, 1);
  EXPECT_DOUBLE_EQ(made.both.accuracy.difference, -0.2);
}

TEST(CompareTest, AnImageThatComesTwiceInASlotHasTwoPairs) {
  std::vector<std::string> path;
  for (const int wrong : {0, 1}) {  // which of the two was answered wrongly
    path.push_back(make_folder("twice" + std::to_string(wrong), {.snr_db = {0}}));
    std::string text;
    for (int i = 0; i < 2; ++i) {
      ImageRecord one = record(3, 0, i == wrong);
      one.timeline = true;
      one.slot = static_cast<std::uint32_t>(i);
      text += make_record(one, {}, std::string(64, 'a')).dump() + "\n";
    }
    tiny::write_text(path.back() + "/records.jsonl", text);
  }
  PairedTotals all;
  const PointComparison made =
      compare_point(RecordedFolder(path[0]), RecordedFolder(path[1]), {0, 0}, all);
  EXPECT_EQ(made.both.pairs, 2);
  EXPECT_EQ(made.only_a + made.only_b, 0);
  EXPECT_EQ(made.both.mcnemar.a_only, 1);
  EXPECT_EQ(made.both.mcnemar.b_only, 1);
}

}  // namespace
}  // namespace semwave
