// Every bar can be started as the documents say, and none is forgotten where all are run.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

TEST(Bars, AreProgramsThatListAndPageName) {
  const std::string root = SEMWAVE_SOURCE_DIR, page = tiny::read_text(root + "/docs/bars.md"),
                    list = tiny::read_text(root + "/benchmarks/bars/all.sh");
  std::istringstream listed(list);
  std::vector<std::string> words;
  for (std::string word; listed >> word;) {
    std::erase(word, '"');
    words.push_back(word.starts_with("bars=") ? word.substr(5) : word);
  }
  int bars = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/benchmarks/bars")) {
    const std::string file = entry.path().filename().string();
    // What bars share begins no measurement; `nodes.py` and the like are read by others.
    if (entry.path().extension() != ".py" ||
        tiny::read_text(entry.path().string()).find("\nmeasure(") == std::string::npos)
      continue;
    ++bars;
    EXPECT_EQ(access(entry.path().c_str(), X_OK), 0) << file << " is no program";
    EXPECT_NE(page.find("`" + file + "`"), std::string::npos) << file << " is not in docs/bars.md";
    EXPECT_NE(std::find(words.begin(), words.end(), entry.path().stem().string()), words.end())
        << file << " is not run by all.sh";
  }
  EXPECT_GT(bars, 30);
}

}  // namespace
}  // namespace semwave
