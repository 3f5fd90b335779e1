// Who may include whom: core <- phy <- channel <- transmitter, receiver <- experiment <- node,
// python <- apps, and no two folders each other, by whatever way round. Reads the #include lines.
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
    {"phy", {"core", "phy"}},
    {"channel", {"core", "phy", "channel"}},
    {"transmitter", {"core", "phy", "channel", "transmitter"}},
    {"receiver", {"core", "phy", "channel", "receiver"}},
    {"experiment", {"core", "phy", "channel", "transmitter", "receiver", "experiment"}},
    {"node", {"core", "phy", "channel", "transmitter", "receiver", "experiment", "node"}},
    {"python", {"core", "phy", "channel", "transmitter", "receiver", "experiment", "python"}},
    {"apps", {"core", "phy", "channel", "transmitter", "receiver", "experiment", "node", "apps"}},
};

constexpr std::size_t most_files = 14;  // of a folder; a header and its source count once
const std::set<std::string> long_folders{"apps", "core/cpu", "core/cuda", "core/ops"};

std::string room_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

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
      if (ending != ".h" && ending != ".cpp" && ending != ".cu" && ending != ".cuh" &&
          ending != ".inc")
        continue;
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

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

/// Folder -> folders that its files include.
using Includes = std::map<std::string, std::set<std::string>>;

Includes includes_of(const std::map<std::string, std::string>& files) {
  static const std::regex include(R"re(\n\s*#\s*include\s*"([^"]+/[^"]+)")re");
  Includes made;
  for (const auto& [path, text] : files) {
    const std::string lines = "\n" + text;
    for (std::sregex_iterator at(lines.begin(), lines.end(), include), end; at != end; ++at)
      if (const std::string to = folder_of((*at)[1]); to != folder_of(path))
        made[folder_of(path)].insert(to);
  }
  return made;
}

/// Folders that reach themselves, in words; empty where there is an order.
std::vector<std::string> circles(const Includes& includes) {
  std::vector<std::string> found;
  for (const auto& [start, direct] : includes) {
    std::set<std::string> seen;
    std::vector<std::string> open(direct.begin(), direct.end());
    while (!open.empty()) {
      const std::string folder = open.back();
      open.pop_back();
      if (!seen.insert(folder).second) continue;
      if (const auto next = includes.find(folder); next != includes.end())
        open.insert(open.end(), next->second.begin(), next->second.end());
    }
    if (seen.contains(start)) found.push_back(start + " includes itself by way of others");
  }
  return found;
}

TEST(Layering, FoldersHaveAnOrder) {
  for (const std::string& circle : circles(includes_of(sources_of(SEMWAVE_SOURCE_DIR))))
    ADD_FAILURE() << circle;
}

TEST(Layering, PlantedCirclesAreSeen) {
  const std::map<std::string, std::string> files{
      {"phy/a/x.h", "#include \"phy/b/y.h\"\n"},
      {"phy/b/y.h", "#include \"phy/c/z.h\"\n"},
      {"phy/c/z.cpp", "// first\n#include \"phy/a/x.h\"\n"},
      {"phy/d/w.cpp", "#include \"phy/a/x.h\"\n"}};
  EXPECT_EQ(circles(includes_of(files)).size(), 3u);
}

TEST(Layering, AFolderIsSeenAtOneGlance) {
  std::map<std::string, std::set<std::string>> folders;
  for (const auto& [path, text] : sources_of(SEMWAVE_SOURCE_DIR))
    folders[folder_of(path)].insert(std::filesystem::path(path).stem());
  for (const auto& [folder, files] : folders)
    if (!long_folders.contains(folder)) {
      EXPECT_LE(files.size(), most_files) << folder;
    }
}

TEST(Layering, PlantedBreachesAreSeen) {
  EXPECT_EQ(breaches({{"transmitter/a.cpp",
                       "#include <vector>\n#include \"receiver/router/router.h\"\n"}}),
            std::vector<std::string>{"transmitter/a.cpp:2: includes receiver/router/router.h"});
  EXPECT_EQ(breaches({{"receiver/a.h", "  #  include \"transmitter/policy/plan.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"phy/code/a.cpp", "#include \"channel/channel.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/ops/a.cpp", "#include \"phy/burst/burst.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"channel/a.h", "#include \"experiment/scenario/scenario.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"experiment/a.h", "#include <apps/commands.h>"}}).size(), 1u);
  EXPECT_EQ(breaches({{"experiment/a.cpp", "#include \"node/wire/frame.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"node/a.cpp", "#include \"apps/commands.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"python/a.cpp", "#include \"node/wire/frame.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/a.h", "#include \"../receiver/router/router.h\""}}).size(), 1u);
  EXPECT_EQ(breaches({{"core/a.h", "#include \"tests/reference_kernels.h\""}}).size(), 1u);
  EXPECT_TRUE(breaches({{"apps/a.cpp",
                         "#include \"experiment/run/run.h\"\n#include <core/base/error.h>\n// "
                         "\"receiver/router/router.h\"\n"}})
                  .empty());
}

}  // namespace
