// The examples of docs/extending/: semwave is installed once, each example is built against it
// through find_package, and what it adds runs.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "core/config/json.h"
#include "tests/apps/program.h"

namespace semwave {
namespace {

// What an installed sanitized build asks of its users.
#ifdef __SANITIZE_ADDRESS__
constexpr const char* flags = " -DCMAKE_CXX_FLAGS=-fsanitize=address,undefined";
#else
constexpr const char* flags = "";
#endif

/// Status of a shell command; its output goes to `log`.
int shell(const std::string& command, const std::string& log) {
  return std::system((command + " >>" + log + " 2>&1").c_str());
}

/// An example, built: each test process installs semwave into a folder of its own.
class Example {
 public:
  explicit Example(const std::string& name)
      : folder_(fresh_folder("example_" + name)), program_(folder_ + "/build/" + name) {
    const std::string source = std::string(SEMWAVE_SOURCE_DIR) + "/examples/" + name,
                      prefix = folder_ + "/prefix", build = folder_ + "/build";
    built_ = shell("cmake --install " SEMWAVE_BINARY_DIR " --prefix " + prefix, log()) == 0 &&
             shell("cmake -S " + source + " -B " + build +
                       " -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + prefix + flags,
                   log()) == 0 &&
             shell("cmake --build " + build, log()) == 0;
    tiny::write_pictures(folder_ + "/pictures", 2, 5);
  }

  bool built() const { return built_; }
  std::string log() const { return folder_ + "/log"; }
  std::string said() const { return tiny::read_text(log()); }
  const std::string& folder() const { return folder_; }
  /// A small scenario over two classes of five pictures.
  Json scenario() const { return tiny::scenario(folder_ + "/pictures"); }

  std::string list(const std::string& what) const {
    const std::string file = folder_ + "/list";
    EXPECT_EQ(shell(program_ + " list " + what, file), 0);
    return tiny::read_text(file);
  }
  /// Rows of a run; none where it failed.
  std::vector<Json> run(const Json& scenario, const std::string& verb = "run") const {
    tiny::write_text(folder_ + "/x.json", scenario.dump());
    std::filesystem::remove_all(folder_ + "/out");
    std::vector<Json> rows;
    if (shell(program_ + " " + verb + " " + folder_ + "/x.json --out " + folder_ + "/out", log()) !=
        0)
      return rows;
    for (const std::string& line : tiny::lines_of(folder_ + "/out/results.jsonl"))
      rows.push_back(Json::parse(line));
    return rows;
  }
  /// Lines of training.jsonl; none where it failed.
  std::vector<Json> train(const std::string& file, const std::string& options) const {
    std::vector<Json> lines;
    if (shell(program_ + " train " + SEMWAVE_SOURCE_DIR + "/examples/" + file + " --out " +
                  folder_ + "/trained --quiet " + options,
              log()) != 0)
      return lines;
    for (const std::string& line : tiny::lines_of(folder_ + "/trained/training.jsonl"))
      lines.push_back(Json::parse(line));
    return lines;
  }
  /// Rows of two nodes that run the scenario over a socket: the transmitter's.
  std::vector<Json> over_sockets(const Json& scenario) const {
    tiny::write_text(folder_ + "/x.json", scenario.dump());
    const std::string common = " " + folder_ + "/x.json --quiet --threads 1 --out " + folder_;
    tiny::write_text(
        folder_ + "/nodes.sh",
        program_ + " receive" + common + "/there --listen 127.0.0.1:0 > " + folder_ +
            "/heard &\nreceiver=$!\nfor i in $(seq 400); do\n  port=$(sed -n 's/.*listening "
            "on 127.0.0.1:\\([0-9]*\\).*/\\1/p' " +
            folder_ + "/heard)\n  [ -n \"$port\" ] && break\n  sleep 0.05\ndone\n" + program_ +
            " transmit" + common +
            "/here --connect 127.0.0.1:$port\nstatus=$?\nkill -INT $receiver\n"
            "wait $receiver\nexit $status\n");
    std::vector<Json> rows;
    if (shell("sh " + folder_ + "/nodes.sh", log()) != 0) return rows;
    for (const std::string& line : tiny::lines_of(folder_ + "/here/results.jsonl"))
      rows.push_back(Json::parse(line));
    return rows;
  }
  /// Exit status of semwave itself with the scenario that ran last.
  int plain(const std::string& verb = "run") const {
    return shell(std::string(SEMWAVE_BINARY_DIR) + "/semwave " + verb + " " + folder_ + "/x.json",
                 log());
  }

 private:
  std::string folder_, program_;
  bool built_ = false;
};

TEST(Examples, AGateOfOnesOwn) {
  const Example example("custom_gate");
  ASSERT_TRUE(example.built()) << example.said();
  EXPECT_TRUE(std::filesystem::exists(example.folder() +
                                      "/prefix/include/semwave/transmitter/gate/gate.h"));
  EXPECT_NE(example.list("gates").find("\ncentre "), std::string::npos);

  Json scenario = example.scenario();
  scenario["sweep"] = {{"/transmitter/gate", {{{"kind", "centre"}, {"row", 0}}, "random"}}};
  const std::vector<Json> rows = example.run(scenario);
  ASSERT_EQ(rows.size(), 2u) << example.said();
  EXPECT_EQ(rows[0]["point"]["/transmitter/gate"]["kind"], "centre");
  EXPECT_EQ(rows[0]["tokens_kept"], 8.0);
  EXPECT_NE(example.plain(), 0) << "semwave itself does not know the gate";
}

TEST(Examples, AChannelOfOnesOwn) {
  const Example example("custom_channel");
  ASSERT_TRUE(example.built()) << example.said();
  EXPECT_NE(example.list("channels").find("\nsuzuki "), std::string::npos);

  // Without a shadow it is Rayleigh; with one, and in a chain, it is not.
  const Json rayleigh{{"kind", "rayleigh"}, {"snr_db", 8}, {"coherence", "symbol"}};
  Json flat = rayleigh, shadowed = rayleigh;
  flat["kind"] = shadowed["kind"] = "suzuki";
  flat["shadow_db"] = 0;
  shadowed["shadow_db"] = 8;
  const Json chain{{"kind", "chain"},
                   {"snr_db", 8},
                   {"of",
                    {{{"kind", "suzuki"}, {"coherence", "symbol"}, {"shadow_db", 8}},
                     {{"kind", "erasure"}, {"loss", 0.3}}}}};
  const Json scenario{{"version", 1},
                      {"link", {{"code", "none"}, {"block_bits", 960}}},
                      {"channel", rayleigh},
                      {"sweep", {{"/channel", {rayleigh, flat, shadowed, chain}}}},
                      {"stop", {{"frame_errors", 0}, {"max_frames", 400}}}};
  std::vector<double> errors;
  for (const Json& row : example.run(scenario, "link"))
    errors.push_back(row["bit_errors"].get<double>());
  ASSERT_EQ(errors.size(), 4u) << example.said();
  EXPECT_EQ(errors[1], errors[0]);
  EXPECT_GT(errors[2], 1.3 * errors[0]) << "a shadow costs more than it gives";
  EXPECT_GT(errors[3], 1.1 * errors[2]) << "lost packets come on top";
  EXPECT_NE(example.plain("link"), 0) << "semwave itself does not know the channel";

  Json mistyped = scenario;
  mistyped["sweep"] = Json::object();
  mistyped["channel"] = {{"kind", "suzuki"}, {"shadow", 3}};
  EXPECT_TRUE(example.run(mistyped, "link").empty());
  EXPECT_NE(example.said().find("'shadow_db'"), std::string::npos) << "the nearest known key";
}

double tail(double x) {
  return 0.5 * std::erfc(x / std::sqrt(2.0));
}

void expect_share(const Json& row, const char* hits, const char* of, double share) {
  const double count = row[of].get<double>(), expected = count * share;
  EXPECT_LT(std::abs(row[hits].get<double>() - expected), 4 * std::sqrt(expected) + 1)
      << row["name"] << " at " << row["es_n0_db"] << " dB";
}

/// Symbol errors of 8-PSK. Craig (1991), exact: the integral of exp(-snr sin^2(pi/8) / sin^2 x)
/// over x up to 7 pi/8, over pi.
double eight_phases(double snr) {
  constexpr int steps = 2000;
  const double to = M_PI * 7 / 8, decay = snr * std::pow(std::sin(M_PI / 8), 2);
  double sum = 0;
  for (int i = 0; i < steps; ++i)
    sum += std::exp(-decay / std::pow(std::sin((i + 0.5) * to / steps), 2));
  return sum * to / steps / M_PI;
}

TEST(Examples, ACodeAConstellationAnEqualiserAndACodecOfOnesOwn) {
  const Example example("custom_link");
  ASSERT_TRUE(example.built()) << example.said();
  for (const auto& [what, name] : {std::pair{"codes", "\nrepetition "},
                                   {"modulations", "\npsk "},
                                   {"equalisers", "\nregularised "},
                                   {"codecs", "\nmeans "}})
    EXPECT_NE(example.list(what).find(name), std::string::npos) << name;

  const std::vector<Json> rows = example.run(
      Json::parse(tiny::read_text(SEMWAVE_SOURCE_DIR "/examples/custom_link/link.json")), "link");
  ASSERT_EQ(rows.size(), 6u) << example.said();
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

  Json scenario = example.scenario();
  scenario["receiver"]["equaliser"] = {{"kind", "regularised"}, {"weight", 1}};
  scenario["channel"] = {{"kind", "rayleigh"}, {"snr_db", 10}};
  const std::vector<Json> equalised = example.run(scenario);
  ASSERT_EQ(equalised.size(), 1u) << example.said();
  EXPECT_EQ(equalised[0]["images"], 10);

  scenario["transmitter"] = {{"kind", "separation"}, {"codec", "means"}, {"budget", 2000}};
  scenario["receiver"] = Json::object();
  scenario["model"] = {{"image", scenario["model"]["architecture"]["image"]}};
  scenario["metrics"] = {"psnr"};
  scenario["channel"] = {{"kind", "awgn"}, {"snr_db", 15}};
  const std::vector<Json> coded = example.run(scenario);
  ASSERT_EQ(coded.size(), 1u) << example.said();
  EXPECT_EQ(coded[0]["separation"]["codec"], "means");
  EXPECT_GT(coded[0]["psnr_db"].get<double>(), 10);
}

TEST(Examples, AMetricOfOnesOwn) {
  const Example example("custom_metric");
  ASSERT_TRUE(example.built()) << example.said();
  EXPECT_NE(example.list("metrics").find("\nmae "), std::string::npos);

  Json scenario = example.scenario();
  scenario["metrics"] = {"accuracy", "mae", "neighbours", "psnr"};
  scenario["output"]["records"] = true;
  const std::vector<Json> rows = example.run(scenario);
  ASSERT_EQ(rows.size(), 1u) << example.said();
  EXPECT_GT(rows[0]["mae"], 1);
  EXPECT_LT(rows[0]["mae"], 255);
  EXPECT_EQ(rows[0]["neighbours"], 1) << "of two classes each is at most one away";
  double sum = 0;
  const auto records = tiny::lines_of(example.folder() + "/out/records.jsonl");
  for (const std::string& line : records) sum += Json::parse(line)["mae"].get<double>();
  EXPECT_NEAR(sum / static_cast<double>(records.size()), rows[0]["mae"].get<double>(), 1e-9);
  EXPECT_NE(example.plain(), 0) << "semwave itself does not know the metric";
}

TEST(Examples, ADataSetAndALossOfOnesOwn) {
  const Example example("custom_training");
  ASSERT_TRUE(example.built()) << example.said();
  EXPECT_NE(example.list("datasets").find("\nstripes "), std::string::npos);

  const std::vector<Json> lines =
      example.train("custom_training/stripes.json", "--set /source/count=1000 --threads 1");
  ASSERT_FALSE(lines.empty()) << example.said();
  const double first = lines.front()["absolute_loss"], last = lines.back()["absolute_loss"];
  EXPECT_GT(first, 0);
  EXPECT_LT(last, 0.7 * first) << "it is minimised";
  EXPECT_GT(lines.back()["validation_accuracy"].get<double>(), 0.5);
}

TEST(Examples, APairOfOnesOwn) {
  const Example example("custom_pair");
  ASSERT_TRUE(example.built()) << example.said();

  Json scenario = example.scenario();
  const Json image = scenario["model"]["architecture"]["image"];
  scenario["model"] = {{"image", image}};
  scenario["transmitter"] = {{"kind", "pixels"}, {"repeats", 1}};
  scenario["receiver"] = Json::object();
  scenario["channel"] = {{"kind", "rayleigh"}, {"snr_db", 10}};
  scenario["metrics"] = {"psnr"};
  scenario["sweep"] = {{"/transmitter/repeats", {1, 4}}};
  const std::vector<Json> rows = example.run(scenario);
  ASSERT_EQ(rows.size(), 2u) << example.said();
  const double pixels = image[0].get<double>() * image[1].get<double>();
  EXPECT_EQ(rows[0]["channel_uses"]["total"], pixels);
  EXPECT_EQ(rows[1]["channel_uses"]["total"], 4 * pixels);
  EXPECT_GT(rows[1]["psnr_db"].get<double>(), rows[0]["psnr_db"].get<double>() + 2)
      << "four times the energy";
  EXPECT_NE(example.plain(), 0) << "semwave itself does not know the pair";

  const std::vector<Json> nodes = example.over_sockets(scenario);
  ASSERT_EQ(nodes.size(), 2u) << example.said();
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(nodes[i]["psnr_db"], rows[i]["psnr_db"]);
}

}  // namespace
}  // namespace semwave
