// What is known of one image, one slot and one point once they were run: written to records.jsonl,
// slots.jsonl and results.jsonl (experiment/results/results.h), and sent between nodes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "experiment/metric/metric.h"
#include "experiment/pair/pair.h"
#include "experiment/record/image_record.h"
#include "phy/burst/ledger.h"

namespace semwave {

/// Sums over images, added in one order whatever threads and shards made them.
struct PointTotals {
  explicit PointTotals(Metrics measured = {}, int transmitter_blocks = 0,
                       std::shared_ptr<PairTotals> of_pair = nullptr)
      : exits(static_cast<std::size_t>(transmitter_blocks) + 1),
        metrics(std::move(measured)),
        scores(metrics.size()),
        pair(std::move(of_pair)) {}
  void add(const ImageRecord& image);

  Ledger uses;
  std::int64_t images = 0, correct = 0, tokens = 0, tokens_lost = 0, depth = 0, lost = 0,
               answered = 0;
  std::vector<std::int64_t> exits;  // [blocks + 1]
  Metrics metrics;
  std::vector<ScoreSum> scores;      // [metrics]
  std::shared_ptr<PairTotals> pair;  // what the pair adds up; null: nothing
};

struct ShardCost {
  double transmitter_operations = 0, receiver_operations = 0;
  double transmitter_seconds = 0, channel_seconds = 0, receiver_seconds = 0;
};

struct PointResult {
  /// Sums of a shard, added in the order of the shards.
  void add(const ShardCost& cost);

  PointTotals totals;
  std::vector<ImageRecord> images;  // of a timeline: only where records are wanted
  std::vector<double> expert_load;  // [experts] share of dispatched rows, all blocks together
  double transmitter_operations = 0, receiver_operations = 0;  // executed, mean per image
  double transmitter_operations_dense = 0,
         receiver_operations_dense = 0;  // without conditional computation
  double transmitter_seconds = 0, channel_seconds = 0, receiver_seconds = 0;  // summed over threads
  double wall_seconds = 0;
  bool interrupted = false;
};

/// One slot, all links together.
struct SlotRow {
  std::int32_t slot = 0, arrived = 0, dropped = 0, expired = 0, sent = 0, late = 0, correct = 0,
               waiting = 0;  // correct: -1 without the network; waiting: in queues at its end
  double uses = 0, snr_db = 0, believed_snr_db = 0, age = 0, keep = 0,
         depth = 0;  // means over its bursts
};

struct TimelineTotals {
  std::int64_t links = 0, slots = 0, arrived = 0, dropped = 0, expired = 0, late = 0, waiting = 0;
  double queue = 0;  // images waiting, mean over links and slots
  double age = 0;    // slots since what was believed was so, mean over bursts
  double wait_slots = 0, wait_p95_slots = 0,
         wait_p99_slots = 0;  // from arrival to the end of the burst
  // Batch means: each link is one batch, since the images of a link share its fades. Where the
  // policy couples the links, twenty stretches of slots are the batches instead, and intervals are
  // of these very links.
  double uses_halfwidth = 0;
  // Channel uses over all images that arrived, sent or not.
  double arrived_uses = 0, arrived_uses_halfwidth = 0;
  /// The same of a metric: of the images sent, and of all that arrived, each of which has a score
  /// (late: as if nothing had come; not sent: likewise).
  struct Scored {
    double halfwidth = 0, arrived = 0, arrived_halfwidth = 0;
  };
  std::vector<Scored> scored;  // [metrics]
};

}  // namespace semwave
