// Every claim can be started as the documents say, and none is forgotten where all are run.
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

TEST(Claims, AreProgramsThatListAndPageName) {
  const std::string root = SEMWAVE_SOURCE_DIR, page = tiny::read_text(root + "/docs/claims.md"),
                    list = tiny::read_text(root + "/benchmarks/claims/all.sh");
  std::istringstream listed(list);
  std::vector<std::string> words;
  for (std::string word; listed >> word;) {
    std::erase(word, '"');
    words.push_back(word.starts_with("claims=") ? word.substr(7) : word);
  }
  int claims = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root + "/benchmarks/claims")) {
    const std::string file = entry.path().filename().string();
    // What claims share begins no measurement; `nodes.py` and the like are read by others.
    if (entry.path().extension() != ".py" ||
        tiny::read_text(entry.path().string()).find("\nmeasure(") == std::string::npos)
      continue;
    ++claims;
    EXPECT_EQ(access(entry.path().c_str(), X_OK), 0) << file << " is no program";
    EXPECT_NE(page.find("`" + file + "`"), std::string::npos)
        << file << " is not in docs/claims.md";
    EXPECT_NE(std::find(words.begin(), words.end(), entry.path().stem().string()), words.end())
        << file << " is not run by all.sh";
  }
  EXPECT_GT(claims, 30);
}

}  // namespace
}  // namespace semwave
