// What a run will cost, before it runs: channel uses and operations of each point from the very
// code that plans and counts, without a network where none has to look; time from a moment of the
// real work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "experiment/run/run.h"

namespace semwave {

struct PointBudget {
  int images = 0;  // `stop.accuracy_halfwidth` may end a point earlier
  double payload = 0, header = 0, pilots = 0, parity = 0,
         prefix = 0;                                           // channel uses, means per image
  double cbr = 0;                                              // all uses per source value
  double transmitter_operations = 0, receiver_operations = 0;  // means per image
  double header_losses = 0;                                    // share of images
  double seconds = 0;                                          // of wall time
  int looked_at =
      0;  // images that were run and stand for all, where plans alone do not tell; else 0

  double uses() const { return payload + header + pilots + parity + prefix; }
};

struct Budget {
  std::vector<PointBudget> points;  // as run.points()
  double build_seconds = 0;         // building the network of every point
};

struct BudgetSettings {
  int shard = 0;     // of the run that is predicted; 0: what the backend likes
  bool time = true;  // false: seconds stay 0 and nothing is run, unless an exit looks at images or
                     // tokens can be lost
  std::function<void(std::size_t point)>
      progress;  // called from the calling thread before each point
};

/// Uses: fades are realised, observed and planned for as the run does, for the first 10,000 images
/// of a point (exact up to there). Operations: the forecasts of transmitter and receiver; headers
/// of as many images go through channel and decoder as it takes to know the share that is read to a
/// standard error of 0.3 %. Where an exit looks at images, up to 1000 images of the validation
/// split (of the source, where there is none) are run instead and their means stand for the
/// point's. Where tokens or blocks of bits can be lost, up to 1000 images of the source are run for
/// the receiver's operations. A timeline is gone through without the network; its first slots are
/// run for what that does not tell. Time: up to a dozen points of each network, spread over the
/// operations, run for about 0.1 s with the threads of `pool`; points between them are interpolated
/// by operations. Throws Error as the run would.
Budget predict(Run& run, ThreadPool& pool, const BudgetSettings& settings);

/// A row of `semwave budget`: point, images, channel_uses, cbr, flops, header_losses, seconds.
OrderedJson budget_row(const Scenario& whole, const Point& point, const PointBudget& budget);

}  // namespace semwave
