// Where tests write: a folder of this process alone, so that nothing an earlier run left behind
// (killed, or another user's) and no test at work beside this one is ever met.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace semwave {

/// The folder, made at the first call; it and all in it is gone when the process ends.
inline const std::string& scratch_folder() {
  static const struct Scratch {
    Scratch() : path(testing::TempDir() + "semwave_test_XXXXXX"), maker(getpid()) {
      if (mkdtemp(path.data()) == nullptr) throw std::runtime_error(path + ": cannot be made");
    }
    ~Scratch() {
      std::error_code ignored;
      if (getpid() == maker)
        std::filesystem::remove_all(path, ignored);  // a forked child leaves it to its parent
    }
    std::string path;
    pid_t maker;
  } scratch;
  return scratch.path;
}

/// A path of this test alone; nothing is made there.
inline std::string temporary_path(const std::string& name) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  std::string test = std::string(info->test_suite_name()) + "." + info->name() + ".";
  std::replace(test.begin(), test.end(), '/', '_');  // of parameters
  return scratch_folder() + "/" + test + name;
}

/// A folder of this test alone, made empty.
inline std::string fresh_folder(const std::string& name) {
  const std::string path = temporary_path(name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

}  // namespace semwave
