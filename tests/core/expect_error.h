// What an Error says, for tests that hold a message to its place and its remedy.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.h"

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

}  // namespace semwave
