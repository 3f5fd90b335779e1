// One point of a scenario: images through transmitter, channel and receiver, and what it cost.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/thread_pool.h"
#include "experiment/model.h"
#include "experiment/scenario.h"

namespace semwave {

/// One image, in the order of the source; sums over these in this order give the row, whatever the threads and shards.
struct ImageRecord {
  std::uint32_t image = 0;
  std::uint32_t link = 0, slot = 0;       // without a timeline: the image, its visit
  std::uint32_t arrived = 0;              // slot, of a timeline
  bool timeline = false, late = false;    // late: answered after its deadline, which counts as wrong
  std::int32_t label = 0, decision = -1;  // -1: header lost
  double keep_ratio = 0;
  std::int32_t plan_depth = 0, exit_depth = 0, symbols_per_token = 0, tokens = 0;  // deepest allowed, where it left
  std::int32_t tokens_lost = 0;           // of those sent, known not to have arrived
  double snr_db = 0, gain = 1;            // mean SNR of the link, mean |h|^2
  double believed_snr_db = 0;
  Ledger uses;
  bool header_lost = false;
  bool answered = false;                  // decided at the transmitter: its class went in the header
  double psnr_db = 0, ssim = 0;           // NaN where nothing was rebuilt
  std::int32_t stream_bytes = -1, quality = 0, coding = -1;  // of a separation transmitter, else -1; 0 bytes: unfit; the coding in modulation_codings(), -1: a bound
  bool block_lost = false;                // its header was read, its stream was not
  bool unfit() const { return stream_bytes == 0; }
};

/// "QPSK 1/2 polar": what carried its stream; "bound" where no code did.
std::string coding_name(const ImageRecord& image);

/// What the streams of a separation pair came to.
struct StreamTotals {
  std::int64_t images = 0, unfit = 0, block_losses = 0;
  std::int64_t bytes = 0, quality = 0;             // of the images sent
  std::map<std::string, std::int64_t> codings;     // images by the name of modulation and code
};

/// Sums over images, added in one order whatever threads and shards made them.
struct PointTotals {
  explicit PointTotals(int transmitter_blocks = 0) : exits(static_cast<std::size_t>(transmitter_blocks) + 1) {}
  void add(const ImageRecord& image);

  Ledger uses;
  std::int64_t images = 0, correct = 0, tokens = 0, tokens_lost = 0, depth = 0, lost = 0, answered = 0, rebuilt = 0;
  double psnr_db = 0, ssim = 0;
  std::vector<std::int64_t> exits;        // [blocks + 1]
  StreamTotals streams;
};

struct ShardCost {
  double transmitter_operations = 0, receiver_operations = 0;
  double transmitter_seconds = 0, channel_seconds = 0, receiver_seconds = 0;
};

struct PointResult {
  /// Sums of a shard, added in the order of the shards.
  void add(const ShardCost& cost);
  /// From sums to means over the images sent, shares of the experts from their rows, and what the dense network would cost.
  void finish(const Model& model, double sent, const std::vector<std::int64_t>& expert_rows);

  PointTotals totals;
  std::vector<ImageRecord> images;        // of a timeline: only where records are wanted
  std::vector<double> expert_load;        // [experts] share of dispatched rows, all blocks together
  double transmitter_operations = 0, receiver_operations = 0;              // executed, mean per image
  double transmitter_operations_dense = 0, receiver_operations_dense = 0;  // without conditional computation
  double transmitter_seconds = 0, channel_seconds = 0, receiver_seconds = 0;  // summed over threads
  double wall_seconds = 0;
  bool interrupted = false;
};

/// Results are looked at for stopping, progress and interruption after this many images, whatever the shard size.
inline constexpr int chunk_images = 500;
/// Whether the scenario's `stop` is content with so many images, of which so many were right.
bool sure_enough(const StopRule& stop, std::int64_t correct, std::int64_t images);

struct EvaluateOptions {
  int shard = 0;                                             // 0: what the backend likes
  const std::atomic<bool>* interrupt = nullptr;              // checked between chunks
  std::function<void(int done, int total)> progress;         // called from the calling thread, between chunks
};

/// Throws Error where these images or metrics do not go with this model.
void check_point(const Scenario& scenario, const Model& model, const Dataset& data);

PointResult evaluate(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool, const EvaluateOptions& options);

}  // namespace semwave
