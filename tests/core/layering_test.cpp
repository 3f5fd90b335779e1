// Who may include whom: core <- channel <- transmitter, receiver <- experiment <- node <- apps. Reads the #include lines.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::map<std::string, std::set<std::string>> allowed{
    {"core", {"core"}},
    {"channel", {"core", "channel"}},
    {"transmitter", {"core", "channel", "transmitter"}},
    {"receiver", {"core", "channel", "receiver"}},
    {"experiment", {"core", "channel", "transmitter", "receiver", "experiment"}},
    {"node", {"core", "channel", "transmitter", "receiver", "experiment", "node"}},
    {"apps", {"core", "channel", "transmitter", "receiver", "experiment", "node", "apps"}},
};

std::string room_of(const std::string& path) { return path.substr(0, path.find('/')); }

/// "file:line: includes what" for each breach; paths are relative to the root.
std::vector<std::string> breaches(const std::map<std::string, std::string>& files) {
  static const std::regex include(R"re(^\s*#\s*include\s*["<]([^">]+)[">])re");
  std::vector<std::string> found;
  for (const auto& [path, text] : files) {
    std::istringstream lines(text);
    int number = 0;
    std::smatch match;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (!std::regex_search(line, match, include)) continue;
      const std::string target = match[1];
      const bool outside = target.find("..") != std::string::npos;
      const std::string room = room_of(target);
      const bool tests = room == "tests" || room == "benchmarks" || room == "examples";
      if (outside || tests || (allowed.contains(room) && !allowed.at(room_of(path)).contains(room)))
        found.push_back(path + ":" + std::to_string(number) + ": includes " + target);
    }
  }
  return found;
}

std::map<std::string, std::string> sources_of(const std::filesystem::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& [room, rooms] : allowed) {
    if (!std::filesystem::exists(root / room)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / room)) {
      const std::string ending = entry.path().extension().string();
      if (ending != ".h" && ending != ".cpp" && ending != ".cu" && ending != ".cuh" && ending != ".inc") continue;
      std::ifstream file(entry.path());
      std::stringstream text;
      text << file.rdbuf();
      files[std::filesystem::relative(entry.path(), root).string()] = text.str();
    }
  }
  return files;
}

TEST(Layering, RoomsIncludeOnlyWhatStandsBelowThem) {
  const auto files = sources_of(SEMWAVE_SOURCE_DIR);
  ASSERT_GT(files.size(), 50u) << "the sources were not found";
  for (const std::string& breach : breaches(files)) ADD_FAILURE() << breach;
}

TEST(Layering, PlantedBreachesAreSeen) {
  EXPECT_EQ(breaches({{"transmitter/a.cpp", "#include <vector>\n#include \"receiver/router/router.h\"\n"}}), std::vector<std::string>{"transmitter/a.cpp:2: includes receiver/router/router.h"});
  EXPECT_EQ(breaches({{"receiver/a.h", "  #  include \"transmitter/policy/plan.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/ops/a.cpp", "#include \"phy/burst/burst.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"channel/a.h", "#include \"experiment/scenario/scenario.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"experiment/a.h", "#include <apps/commands.h>"}}).size(), 1u);
  EXPECT_EQ(breaches({{"experiment/a.cpp", "#include \"node/wire/frame.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"node/a.cpp", "#include \"apps/commands.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/a.h", "#include \"../receiver/router/router.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/a.h", "#include \"tests/reference_kernels.h\""}}).size(), 1u);
  EXPECT_TRUE(breaches({{"apps/a.cpp", "#include \"experiment/run/run.h\"\n#include <core/base/error.h>\n// \"receiver/router/router.h\"\n"}}).empty());
}

}  // namespace
