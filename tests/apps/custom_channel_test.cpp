// A channel outside the tree: semwave is installed, the example is built against it through
// find_package, and its kind runs by itself and in a chain.
#include <gtest/gtest.h>

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

TEST(CustomChannel, BuildsAgainstAnInstalledSemwaveAndRuns) {
  const std::string folder = fresh_folder("channel_package"), log = folder + "/log",
                    prefix = folder + "/prefix", build = folder + "/build";
  const std::string source = std::string(SEMWAVE_SOURCE_DIR) + "/examples/custom_channel";
  ASSERT_EQ(shell("cmake --install " SEMWAVE_BINARY_DIR " --prefix " + prefix, log), 0)
      << tiny::read_text(log);
  ASSERT_EQ(shell("cmake -S " + source + " -B " + build +
                      " -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + prefix + flags,
                  log),
            0)
      << tiny::read_text(log);
  ASSERT_EQ(shell("cmake --build " + build, log), 0) << tiny::read_text(log);

  const std::string program = build + "/custom_channel";
  ASSERT_EQ(shell(program + " list channels", folder + "/list"), 0);
  EXPECT_NE(tiny::read_text(folder + "/list").find("\nsuzuki "), std::string::npos);
  ASSERT_EQ(shell(program + " schema", folder + "/schema"), 0);
  EXPECT_NE(tiny::read_text(folder + "/schema").find("shadow_db"), std::string::npos);

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
  tiny::write_text(folder + "/x.json", scenario.dump());
  ASSERT_EQ(shell(program + " link " + folder + "/x.json --out " + folder + "/out", log), 0)
      << tiny::read_text(log);
  std::vector<double> errors;
  for (const std::string& line : tiny::lines_of(folder + "/out/results.jsonl"))
    errors.push_back(Json::parse(line)["bit_errors"].get<double>());
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_EQ(errors[1], errors[0]);
  EXPECT_GT(errors[2], 1.3 * errors[0]) << "a shadow costs more than it gives";
  EXPECT_GT(errors[3], 1.1 * errors[2]) << "lost packets come on top";

  Json mistyped = scenario;
  mistyped["sweep"] = Json::object();
  mistyped["channel"] = {{"kind", "suzuki"}, {"shadow", 3}};
  tiny::write_text(folder + "/mistyped.json", mistyped.dump());
  EXPECT_EQ(shell(program + " validate " + folder + "/mistyped.json", folder + "/said"), 2 << 8);
  EXPECT_NE(tiny::read_text(folder + "/said").find("'shadow_db'"), std::string::npos);
  EXPECT_NE(shell(std::string(SEMWAVE_BINARY_DIR) + "/semwave link " + folder + "/x.json", log), 0)
      << "semwave itself does not know the channel";
}

}  // namespace
}  // namespace semwave
