// Curves against each other: figures known in closed form, an independent implementation,
// intervals, and what is no curve.
#include "experiment/results/curves.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"
#include "tests/core/expect_error.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

using Points = std::vector<CurvePoint>;

const Points usual = {{100, 20}, {150, 22}, {300, 23}, {500, 26}, {1000, 27}};

Points scaled(const Points& points, double uses, double quality) {
  Points made = points;
  for (CurvePoint& point : made) point.uses *= uses, point.quality += quality;
  return made;
}

TEST(Bjontegaard, OfEqualShapesIsTheFactorOfUses) {
  const auto made = bjontegaard(usual, scaled(usual, 0.8, 0));
  ASSERT_TRUE(made);
  EXPECT_NEAR(made->rate_percent, -20, 1e-9);
  EXPECT_GT(made->quality, 0);
  EXPECT_EQ(made->of_quality, std::pair(20.0, 27.0));
  EXPECT_NEAR(made->of_uses.first, 100, 1e-9);
  EXPECT_NEAR(made->of_uses.second, 800, 1e-9);
}

TEST(Bjontegaard, OfEqualShapesIsTheQualityBetween) {
  const auto made = bjontegaard(usual, scaled(usual, 1, 1.5));
  ASSERT_TRUE(made);
  EXPECT_NEAR(made->quality, 1.5, 1e-9);
  EXPECT_LT(made->rate_percent, 0);
}

TEST(Bjontegaard, IsThatOfAnotherImplementation) {
  // Monotone cubics with three-point ends, integrated by 200,001 midpoints, in Python.
  const Points a = {{686.76, 40.28}, {309.58, 37.18}, {157.11, 34.24}, {85.95, 31.42}},
               b = {{893.34, 40.39}, {407.8, 37.21}, {204.93, 34.17}, {112.75, 31.24}};
  auto made = bjontegaard(a, b);
  ASSERT_TRUE(made);
  EXPECT_NEAR(made->rate_percent, 31.3798782, 1e-5);
  EXPECT_NEAR(made->quality, -1.1834724, 1e-6);
  made = bjontegaard(usual, Points{{80, 19.5}, {200, 24}, {260, 25.5}, {700, 28}});
  ASSERT_TRUE(made);
  EXPECT_NEAR(made->rate_percent, -33.090243, 1e-5);
  EXPECT_NEAR(made->quality, 1.6183609, 1e-6);
}

TEST(Bjontegaard, SaysWhatIsNoCurve) {
  EXPECT_EQ(fault_of_curve(usual), "");
  EXPECT_NE(fault_of_curve(Points{{1, 1}, {2, 2}, {3, 3}}).find("needs 4 points"),
            std::string::npos);
  Points flat = usual;
  flat[3].quality = 23;
  EXPECT_NE(fault_of_curve(flat).find("does not rise"), std::string::npos);
  EXPECT_NE(fault_of_curve(Points{{0, 1}, {2, 2}, {3, 3}, {4, 4}}), "");
  EXPECT_NE(fault_of_curve(Points{{1, NAN}, {2, 2}, {3, 3}, {4, 4}}), "");
  EXPECT_FALSE(bjontegaard(flat, usual));
  EXPECT_FALSE(bjontegaard(usual, scaled(usual, 1, 100))) << "no quality in common";
  EXPECT_FALSE(bjontegaard(usual, scaled(usual, 100, 0))) << "no uses in common";
}

/// A folder of two SNRs and five settings of `keep`, 30 images: image i reaches `quality` + i / 10
/// dB and some noise of its own at each point, with `factor` times the usual uses.
std::string make_folder(const std::string& name, double factor, double noise,
                        const std::string& key = "/transmitter/policy/keep") {
  const std::string path = fresh_folder(name);
  const Json settings = {1, 2, 3, 4, 5};
  const Json scenario{{"name", name},
                      {"source", {{"dataset", "folder"}, {"split", "test"}}},
                      {"channel", {{"snr_db", 5}}},
                      {"metrics", {"psnr"}},
                      {"sweep", {{"/channel/snr_db", {0, 10}}, {key, settings}}}};
  tiny::write_text(path + "/scenario.json", scenario.dump());
  std::string rows, records;
  for (const int snr_db : {0, 10})
    for (std::size_t s = 0; s < usual.size(); ++s) {
      const std::string sha(64, static_cast<char>('a' + s + (snr_db > 0 ? 5 : 0)));
      OrderedJson point{{"/channel/snr_db", snr_db}, {key, settings[s]}};
      rows += OrderedJson{{"point", point}, {"point_sha256", sha}}.dump() + "\n";
      for (std::uint32_t image = 0; image < 30; ++image) {
        ImageRecord record;
        record.image = image;
        record.uses.payload = std::llround(factor * usual[s].uses);
        record.scores[0] = usual[s].quality + snr_db + image / 10.0 +
                           noise * std::sin(double(image) * double(3 * s + 7));
        const Metrics psnr = {metrics().make({{"kind", "psnr"}}, {})};
        records += make_record(record, RecordKind{.metrics = psnr}, sha).dump() + "\n";
      }
    }
  tiny::write_text(path + "/results.jsonl", rows);
  tiny::write_text(path + "/records.jsonl", records);
  return path;
}

bool all_points(const RecordedFolder&, std::size_t) {
  return true;
}

TEST(Curves, AConditionHasACurveOfEachFolder) {
  const RecordedFolder a(make_folder("a", 1, 0)),
      b(make_folder("b", 1.5, 0, "/transmitter/budget"));
  const std::vector<CurveComparison> made = compare_curves(a, b, "psnr_db", all_points);
  ASSERT_EQ(made.size(), 2u);
  for (const CurveComparison& one : made) {
    EXPECT_EQ(one.rows_a.size(), 5u);
    EXPECT_EQ(one.rows_b.size(), 5u);
    EXPECT_EQ(one.images, 30);
    EXPECT_NEAR(one.both.rate_percent, 50, 1e-6);
    EXPECT_NEAR(one.rate_percent.first, 50, 1e-6) << "images differ, the factor does not";
    EXPECT_NEAR(one.rate_percent.second, 50, 1e-6);
  }
  EXPECT_EQ(made[0].at, (Json{{"/channel/snr_db", 0}}));
  EXPECT_EQ(made[1].at, (Json{{"/channel/snr_db", 10}}));
  const OrderedJson row = curves_json(made[1], "psnr_db");
  EXPECT_NEAR(row["bd_rate_percent"]["value"].get<double>(), 50, 1e-6);
  EXPECT_LT(row["bd_psnr_db"]["value"].get<double>(), 0);
}

TEST(Curves, WhatImagesDisagreeOnIsTheInterval) {
  const RecordedFolder a(make_folder("a", 1, 0)), b(make_folder("b", 0.9, 0.4));
  const CurveComparison made = compare_curves(a, b, "psnr_db", all_points).front();
  EXPECT_LT(made.rate_percent.first, made.both.rate_percent);
  EXPECT_GT(made.rate_percent.second, made.both.rate_percent);
  EXPECT_GT(made.quality.second - made.quality.first, 0.02);
  EXPECT_LT(made.quality.second - made.quality.first, 0.5);
  EXPECT_EQ(made.resamples + made.left_out, 1000);
  const CurveComparison again = compare_curves(a, b, "psnr_db", all_points).front();
  EXPECT_EQ(made.rate_percent, again.rate_percent) << "the same bits each time";
}

TEST(Curves, ErrorsNameTheFolderAndTheReason) {
  const RecordedFolder a(make_folder("a", 1, 0)), b(make_folder("b", 100, 0));
  expect_contains(error_of([&] { compare_curves(a, b, "psnr_db", all_points); }),
                  "shares no range of uses and psnr_db");
  const auto few = [](const RecordedFolder& folder, std::size_t row) {
    return folder.value_at(row, "/transmitter/policy/keep") != 3 &&
           folder.value_at(row, "/transmitter/policy/keep") != 4;
  };
  expect_contains(error_of([&] { compare_curves(a, a, "psnr_db", few); }),
                  "needs 4 points, and there are 3");
  expect_contains(error_of([&] { compare_curves(a, a, "ssim", all_points); }),
                  "has no image with ssim");
  const auto none = [&](const RecordedFolder& folder, std::size_t) {
    return folder.path() == a.path();
  };
  expect_contains(error_of([&] { compare_curves(a, b, "psnr_db", none); }), "under the conditions");
}

}  // namespace
}  // namespace semwave
