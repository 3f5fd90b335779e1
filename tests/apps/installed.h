// Projects outside the tree: semwave is installed once for all tests of a process, and an example
// is built against it through find_package.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/apps/program.h"

namespace semwave::installed {

// What an installed sanitized build asks of its users.
#ifdef __SANITIZE_ADDRESS__
inline constexpr const char* flags = " -DCMAKE_CXX_FLAGS=-fsanitize=address,undefined";
#else
inline constexpr const char* flags = "";
#endif

/// Status of a shell command; its output goes to `log`.
inline int shell(const std::string& command, const std::string& log) {
  return std::system((command + " >>" + log + " 2>&1").c_str());
}

/// Where semwave is installed; empty where that failed.
inline const std::string& prefix() {
  static const std::string made = [] {
    const std::string folder = fresh_folder("installed"), log = folder + "/log";
    const int status =
        shell("cmake --install " SEMWAVE_BINARY_DIR " --prefix " + folder + "/prefix", log);
    EXPECT_EQ(status, 0) << tiny::read_text(log);
    return status == 0 ? folder + "/prefix" : std::string();
  }();
  return made;
}

/// The program of examples/NAME, built; empty where that failed.
inline std::string example(const std::string& name) {
  const std::string folder = fresh_folder("example_" + name), log = folder + "/log";
  if (prefix().empty()) return "";
  const std::string source = std::string(SEMWAVE_SOURCE_DIR) + "/examples/" + name;
  const int status =
      shell("cmake -S " + source + " -B " + folder +
                " -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_PREFIX_PATH=" + prefix() + flags +
                " && cmake --build " + folder,
            log);
  EXPECT_EQ(status, 0) << tiny::read_text(log);
  return status == 0 ? folder + "/" + name : "";
}

}  // namespace semwave::installed
