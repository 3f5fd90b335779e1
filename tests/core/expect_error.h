// What an Error says, for tests that hold a message to its place and its remedy.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/error.h"

namespace semwave {

/// The message of the Error that `body` throws; a test failure and "" where it throws none.
template <typename Body>
std::string error_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

inline void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in: " << text;
}

/// A path of this test alone: tests of one program run side by side under ctest.
inline std::string temporary_path(const std::string& name) {
  const auto* info = testing::UnitTest::GetInstance()->current_test_info();
  return testing::TempDir() + info->test_suite_name() + "." + info->name() + "." + std::to_string(::getpid()) + "." + name;
}

}  // namespace semwave
