// Running figures of a receiver, for its page and for Prometheus.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "experiment/results.h"
#include "node/messages.h"

namespace semwave {

/// A connection as the page shows it.
struct PeerLine {
  std::string name, address;
  std::int64_t answered = 0;
  std::size_t queued = 0;
};

class Monitor {
 public:
  static constexpr std::size_t recent = 200;  // images that the latencies and the strip of tokens speak of

  Monitor(std::string name, int transmitter_blocks, int experts, int grid);
  void add(const Record& record);
  void batch(std::size_t images);
  /// Everything the page shows.
  OrderedJson json(const std::vector<PeerLine>& peers, std::int64_t refused, std::int64_t malformed, std::int64_t timed_out) const;
  /// Text exposition format 0.0.4.
  std::string prometheus(const std::vector<PeerLine>& peers, std::int64_t refused, std::int64_t malformed, std::int64_t timed_out) const;

 private:
  std::string name_;
  int grid_;
  std::int64_t images_ = 0, labelled_ = 0, correct_ = 0, lost_ = 0, erased_ = 0, batches_ = 0, batched_ = 0;
  Ledger uses_;
  std::vector<std::int64_t> exits_, experts_;
  std::array<double, 5> stage_seconds_{};
  std::deque<Record> last_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace semwave
