// A gate outside the tree: semwave is installed, the example is built against it through
// find_package, and its gate runs.
#include <gtest/gtest.h>

#include "core/config/json.h"
#include "tests/apps/installed.h"

namespace semwave {
namespace {

using installed::shell;

TEST(CustomGate, BuildsAgainstAnInstalledSemwaveAndRuns) {
  const std::string folder = fresh_folder("package"), log = folder + "/log",
                    gate = installed::example("custom_gate");
  ASSERT_FALSE(gate.empty());
  EXPECT_TRUE(
      std::filesystem::exists(installed::prefix() + "/include/semwave/transmitter/gate/gate.h"));

  tiny::write_pictures(folder + "/pictures", 2, 5);
  Json scenario = tiny::scenario(folder + "/pictures");
  scenario["sweep"] = {{"/transmitter/gate", {{{"kind", "centre"}, {"row", 0}}, "random"}}};
  tiny::write_text(folder + "/x.json", scenario.dump());
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
