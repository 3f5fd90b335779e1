// What is known of one image, one slot and one point once they were run: written to records.jsonl,
// slots.jsonl and results.jsonl (experiment/results/results.h), and sent between nodes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "experiment/metric/metric.h"
#include "phy/burst/ledger.h"

namespace semwave {

/// What a record holds of each metric that needs the image, in the order of image_metrics(); NaN:
/// no score.
using Scores = std::array<double, most_image_metrics>;
inline Scores no_scores() {
  Scores none;
  none.fill(std::numeric_limits<double>::quiet_NaN());
  return none;
}

/// What the transmitter knows of an image.
struct SentHalf {
  std::int32_t label = 0;  // -1: not known
  double keep_ratio = 0;
  std::int32_t plan_depth = 0, exit_depth = 0;  // deepest allowed, where it left
  std::int32_t symbols_per_token = 0, tokens = 0;
  double believed_snr_db = 0;
  bool answered = false;  // decided at the transmitter: its class went in the header
  // Of a separation transmitter, else -1. 0 bytes: nothing fitted.
  std::int32_t stream_bytes = -1, quality = 0;
  std::int32_t coding = -1;  // in modulation_codings(); -1: a bound
  bool unfit() const { return stream_bytes == 0; }
};

/// What the receiver knows of it.
struct HeardHalf {
  std::int32_t decision = -1;  // -1: header lost
  bool header_lost = false;
  bool block_lost = false;       // the header was read, the bits behind it were not
  std::int32_t tokens_lost = 0;  // of those sent, known not to have arrived
  double gain = 1;               // mean |h|^2
  Ledger uses;
  Scores scores = no_scores();
};

/// One image, in the order of the source; sums over these in this order give the row, whatever the
/// threads and shards.
struct ImageRecord : SentHalf, HeardHalf {
  std::uint32_t image = 0;
  std::uint32_t link = 0, slot = 0;     // without a timeline: the image, its visit
  std::uint32_t arrived = 0;            // slot, of a timeline
  bool timeline = false, late = false;  // late: answered after its deadline, which counts as wrong
  double snr_db = 0;                    // mean SNR of the link
  /// A late answer is none.
  std::int32_t decision_in_time() const { return late ? -1 : decision; }
  bool right() const { return decision == label && !late; }
};

/// "QPSK 1/2 polar": what carried its stream; "bound" where no code did.
std::string coding_name(const ImageRecord& image);

/// What the streams of a separation pair came to.
struct StreamTotals {
  std::int64_t images = 0, unfit = 0, block_losses = 0;
  std::int64_t bytes = 0, quality = 0;          // of the images sent
  std::map<std::string, std::int64_t> codings;  // images by the name of modulation and code
};

/// Sums over images, added in one order whatever threads and shards made them.
struct PointTotals {
  explicit PointTotals(Metrics measured = {}, int transmitter_blocks = 0)
      : exits(static_cast<std::size_t>(transmitter_blocks) + 1),
        metrics(std::move(measured)),
        scores(metrics.size()) {}
  void add(const ImageRecord& image);

  Ledger uses;
  std::int64_t images = 0, correct = 0, tokens = 0, tokens_lost = 0, depth = 0, lost = 0,
               answered = 0;
  std::vector<std::int64_t> exits;  // [blocks + 1]
  Metrics metrics;
  std::vector<ScoreSum> scores;  // [metrics]
  StreamTotals streams;
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
