// The hearing half of the way of an image: the scenario's channel is applied where the burst is
// heard, then the receiver runs.
#pragma once

#include <span>
#include <vector>

#include "channel/channel.h"
#include "core/base/thread_pool.h"
#include "node/record/station.h"

namespace semwave {

/// A burst that waits for its turn, and what came of it.
struct Incoming {
  BurstMessage burst;
  NodeId node{};
  Digest data{};
  std::vector<std::uint8_t> erased;  // [count] symbols that never came, or empty: all did
  std::uint64_t queue_ns = 0;
  // Filled in by Hearing:
  Answer answer;
  Record record;                 // whole where the burst brought its truth
  double signal = 0, noise = 0;  // of the header, where it was read: what an SNR is measured from
};

class Hearing {
 public:
  /// The station outlives it. `shard`: images a pass; one: operations are counted for each image by
  /// itself.
  Hearing(const Station& station, int shard);
  /// Bursts that the station finds no fault with. What becomes of one does not depend on those
  /// beside it, but for operations and experts, which the images of a pass share.
  void hear(ThreadPool& pool, std::span<Incoming> batch) const;

 private:
  void hear_shard(std::span<Incoming> shard) const;

  const Station& station_;
  std::size_t shard_;
  std::vector<Channel> channels_;          // [points]
  std::vector<std::vector<float>> means_;  // [points] the answer for a lost image
};

}  // namespace semwave
