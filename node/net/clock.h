// Time as nodes measure it.
#pragma once

#include <chrono>

namespace semwave {

using NodeClock = std::chrono::steady_clock;
inline double seconds_between(NodeClock::time_point from, NodeClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}
inline NodeClock::duration in_seconds(double value) {
  return std::chrono::duration_cast<NodeClock::duration>(std::chrono::duration<double>(value));
}

}  // namespace semwave
