// A gate outside the tree: semwave is installed, the example is built against it through
// find_package, and its gate runs.
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

TEST(CustomGate, BuildsAgainstAnInstalledSemwaveAndRuns) {
  const std::string folder = fresh_folder("package"), log = folder + "/log",
                    prefix = folder + "/prefix", build = folder + "/build";
  const std::string source = std::string(SEMWAVE_SOURCE_DIR) + "/examples/custom_gate";
  ASSERT_EQ(shell("cmake --install " SEMWAVE_BINARY_DIR " --prefix " + prefix, log), 0)
      << tiny::read_text(log);
  EXPECT_TRUE(std::filesystem::exists(prefix + "/include/semwave/transmitter/gate/gate.h"));
  ASSERT_EQ(shell("cmake -S " + source + " -B " + build +
                      " -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + prefix + flags,
                  log),
            0)
      << tiny::read_text(log);
  ASSERT_EQ(shell("cmake --build " + build, log), 0) << tiny::read_text(log);

  tiny::write_pictures(folder + "/pictures", 2, 5);
  Json scenario = tiny::scenario(folder + "/pictures");
  scenario["sweep"] = {{"/transmitter/gate", {{{"kind", "centre"}, {"row", 0}}, "random"}}};
  tiny::write_text(folder + "/x.json", scenario.dump());
  const std::string gate = build + "/custom_gate";
  ASSERT_EQ(shell(gate + " list gates", folder + "/list"), 0);
  EXPECT_NE(tiny::read_text(folder + "/list").find("\ncentre "), std::string::npos);
  ASSERT_EQ(shell(gate + " run " + folder + "/x.json --out " + folder + "/out", log), 0)
      << tiny::read_text(log);
  const auto rows = tiny::lines_of(folder + "/out/results.jsonl");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(Json::parse(rows[0])["point"]["/transmitter/gate"]["kind"], "centre");
  EXPECT_EQ(Json::parse(rows[0])["tokens_kept"], 8.0);
  EXPECT_NE(shell(std::string(SEMWAVE_BINARY_DIR) + "/semwave run " + folder + "/x.json", log), 0)
      << "semwave itself does not know the gate";
}

}  // namespace
}  // namespace semwave
