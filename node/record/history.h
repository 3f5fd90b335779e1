// The last two minutes of a receiver, second by second: what its page draws.
#pragma once

#include <array>
#include <cstdint>

#include "experiment/results/results.h"
#include "node/net/clock.h"

namespace semwave {

class History {
 public:
  static constexpr std::int64_t seconds = 120;
  static constexpr std::int64_t rate_seconds = 5;

  explicit History(NodeClock::time_point start) : start_(start) {}
  /// An image that came at `now`; `signal`, `noise`: powers measured in its header, 0 where it was
  /// lost.
  void add(const ImageRecord& image, double signal, double noise, NodeClock::time_point now);
  /// Images a second over the last `rate_seconds` whole seconds, fewer after the start.
  double rate(NodeClock::time_point now) const;
  /// Lists with an element a whole second, the oldest first: images, accuracy (null: no labels
  /// came), snr_db as reports measure it (null: no header was read).
  OrderedJson json(NodeClock::time_point now) const;

 private:
  struct Second {
    std::int64_t at =
        -1;  // whole seconds since the start; another one: nothing came in this second
    std::int64_t images = 0, labelled = 0, correct = 0;
    double signal = 0, noise = 0;
  };
  std::int64_t second_of(NodeClock::time_point now) const;
  Second of(std::int64_t second) const;

  NodeClock::time_point start_;
  std::array<Second, seconds + 1> ring_;  // with the second that is not over
};

}  // namespace semwave
