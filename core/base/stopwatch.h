// Wall time, for what is shown and for what `budget` measures. No result depends on it.
#pragma once

#include <chrono>

namespace semwave {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace semwave
