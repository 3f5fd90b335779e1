// Lines that somebody else can cause: of each kind a few in a while, then their number. A peer
// fills no disk with our words.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "node/net/clock.h"
#include "node/net/log.h"

namespace semwave {

class LogLimit {
 public:
  static constexpr int lines = 10;       // of a kind
  static constexpr double seconds = 10;  // from the first of them

  explicit LogLimit(LogSink sink) : sink_(std::move(sink)) {}

  /// `kind`: what is counted together; one of a few words of ours, never a peer's.
  void tell(const std::string& kind, LogLevel level, const std::string& text,
            NodeClock::time_point now = NodeClock::now());
  /// Says how many were held back, of those kinds whose time is over.
  void look(NodeClock::time_point now);

 private:
  struct Kind {
    LogLevel level = LogLevel::note;
    NodeClock::time_point since;
    std::int64_t told = 0;
  };
  void close(const std::string& name, const Kind& kind) const;

  LogSink sink_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace semwave
