// Running figures of a receiver, for its page and for Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "experiment/results/results.h"
#include "node/record/history.h"
#include "node/wire/messages.h"

namespace semwave {

/// A connection as the page shows it.
struct PeerLine {
  std::string name, address;
  std::int64_t answered = 0;
  std::size_t queued = 0;
};

class Monitor {
 public:
  static constexpr std::size_t recent =
      200;  // images that the latencies and the strip of tokens speak of

  /// `class_names` by label; empty where they are not known.
  Monitor(std::string name, int transmitter_blocks, int experts, int grid,
          std::vector<std::string> class_names = {},
          NodeClock::time_point start = NodeClock::now());
  /// Of this life or of an earlier one's journal.
  void add(const Record& record);
  /// That it came just now; for rate and history. `signal`, `noise`: of its header.
  void came(const Record& record, double signal, double noise, NodeClock::time_point now) {
    history_.add(record.image, signal, noise, now);
  }
  void batch(std::size_t images);
  /// Everything the page shows.
  OrderedJson json(const std::vector<PeerLine>& peers, std::int64_t refused, std::int64_t malformed,
                   std::int64_t timed_out, NodeClock::time_point now = NodeClock::now()) const;
  /// Text exposition format 0.0.4.
  std::string prometheus(const std::vector<PeerLine>& peers, std::int64_t refused,
                         std::int64_t malformed, std::int64_t timed_out) const;

 private:
  /// Its name, else its number; "lost" where there is no answer.
  std::string class_name(std::int32_t decision) const;

  std::string name_;
  int grid_;
  std::vector<std::string> class_names_;
  std::int64_t images_ = 0, labelled_ = 0, correct_ = 0, lost_ = 0, erased_ = 0, batches_ = 0,
               batched_ = 0;
  Ledger uses_;
  std::vector<std::int64_t> exits_, experts_;
  std::array<double, 5> stage_seconds_{};
  std::deque<Record> last_;
  NodeClock::time_point start_;
  History history_;
};

}  // namespace semwave
