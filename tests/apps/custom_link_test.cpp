// A channel code, a constellation, an equaliser and an image codec outside the tree: built against
// an installed semwave, named in scenarios, and right.
#include <gtest/gtest.h>

#include <cmath>

#include "core/config/json.h"
#include "tests/apps/installed.h"

namespace semwave {
namespace {

using installed::shell;

double tail(double x) {
  return 0.5 * std::erfc(x / std::sqrt(2.0));
}

void expect_share(const Json& row, const char* hits, const char* of, double share) {
  const double count = row[of].get<double>(), expected = count * share;
  EXPECT_LT(std::abs(row[hits].get<double>() - expected), 4 * std::sqrt(expected) + 1)
      << row["name"] << " at " << row["es_n0_db"] << " dB";
}

/// Craig (1991), exact: the integral of exp(-snr sin^2(pi/8) / sin^2 x) over x up to 7 pi/8, over
/// pi.
double eight_phases(double snr) {
  constexpr int steps = 2000;
  const double to = M_PI * 7 / 8, decay = snr * std::pow(std::sin(M_PI / 8), 2);
  double sum = 0;
  for (int i = 0; i < steps; ++i)
    sum += std::exp(-decay / std::pow(std::sin((i + 0.5) * to / steps), 2));
  return sum * to / steps / M_PI;
}

class CustomLink : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_FALSE(program_.empty()); }

  std::vector<Json> run(const std::string& verb, const std::string& scenario) {
    const std::string out = folder_ + "/out";
    EXPECT_EQ(shell(program_ + " " + verb + " " + scenario + " --out " + out, log_), 0)
        << tiny::read_text(log_);
    std::vector<Json> rows;
    for (const std::string& line : tiny::lines_of(out + "/results.jsonl"))
      rows.push_back(Json::parse(line));
    return rows;
  }

  std::string folder_ = fresh_folder("custom_link"), log_ = folder_ + "/log",
              program_ = installed::example("custom_link");
};

TEST_F(CustomLink, ACodeAConstellationAnEqualiserAndACodecFromOutsideWork) {
  for (const char* listed : {"codes", "modulations", "equalisers", "codecs"})
    ASSERT_EQ(shell(program_ + " list " + listed, folder_ + "/list"), 0);
  for (const char* name : {"\nrepetition ", "\npsk ", "\nregularised ", "\nmeans "})
    EXPECT_NE(tiny::read_text(folder_ + "/list").find(name), std::string::npos) << name;

  const std::vector<Json> rows =
      run("link", std::string(SEMWAVE_SOURCE_DIR) + "/examples/custom_link/link.json");
  ASSERT_EQ(rows.size(), 6u);
  for (const Json& row : rows) {
    const double snr = std::pow(10.0, row["es_n0_db"].get<double>() / 10);
    if (row["code"] == "repetition") {
      EXPECT_EQ(row["coded_bits"], 900);
      expect_share(row, "bit_errors", "bits", tail(std::sqrt(3 * snr)));
      expect_share(row, "frame_errors", "frames", row["fer_predicted"].get<double>());
    } else {
      EXPECT_EQ(row["modulation"], "8-PSK");
      expect_share(row, "symbol_errors", "symbols", eight_phases(snr));
    }
  }

  tiny::write_pictures(folder_ + "/pictures", 2, 5);
  Json scenario = tiny::scenario(folder_ + "/pictures");
  scenario["receiver"]["equaliser"] = {{"kind", "regularised"}, {"weight", 1}};
  scenario["channel"] = {{"kind", "rayleigh"}, {"snr_db", 10}};
  tiny::write_text(folder_ + "/equaliser.json", scenario.dump());
  EXPECT_EQ(run("run", folder_ + "/equaliser.json").at(0)["images"], 10);

  scenario["receiver"].erase("equaliser");
  scenario["transmitter"] = {{"kind", "separation"}, {"codec", "means"}, {"budget", 2000}};
  scenario["receiver"] = Json::object();
  scenario["model"] = {{"image", {16, 16, 1}}};
  scenario["metrics"] = {"psnr"};
  scenario["channel"] = {{"kind", "awgn"}, {"snr_db", 15}};
  tiny::write_text(folder_ + "/codec.json", scenario.dump());
  const Json row = run("run", folder_ + "/codec.json").at(0);
  EXPECT_EQ(row["separation"]["codec"], "means");
  EXPECT_GT(row["psnr_db"].get<double>(), 10);
}

}  // namespace
}  // namespace semwave
