#include "node/net/log_limit.h"

namespace semwave {

void LogLimit::tell(const std::string& kind, LogLevel level, const std::string& text,
                    NodeClock::time_point now) {
  if (!sink_) return;
  look(now);
  Kind& counted = kinds_.try_emplace(kind, Kind{level, now, 0}).first->second;
  if (++counted.told <= lines) sink_(level, text);
}

void LogLimit::look(NodeClock::time_point now) {
  for (auto at = kinds_.begin(); at != kinds_.end();) {
    if (seconds_between(at->second.since, now) < seconds) {
      ++at;
      continue;
    }
    close(at->first, at->second);
    at = kinds_.erase(at);
  }
}

void LogLimit::close(const std::string& name, const Kind& kind) const {
  if (kind.told > lines)
    sink_(kind.level, name + ": " + std::to_string(kind.told - lines) + " more within " +
                          std::to_string(static_cast<int>(seconds)) + " s");
}

}  // namespace semwave
