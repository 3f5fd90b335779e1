// Links over time: images arrive, wait, are planned for with what feedback has told of the link, and are sent slot by slot.
//
// In each slot and link: (1) a report of the receiver arrives, `delay` slots old, unless it was lost; (2) images arrive (Poisson) and join
// the queue while there is room; (3) those whose deadline can no longer be kept leave it; (4) a free link sends the first of its queue,
// planned for by the newest report, unless its policy holds it back; (5) a burst of u uses keeps its link busy for ceil(u / slot_uses) slots and meets the fade of its first.
// Slots follow each other; within one the links' bursts go through the network in shards, on all threads.
#pragma once

#include <cstdint>
#include <vector>

#include "core/dataset.h"
#include "core/thread_pool.h"
#include "experiment/evaluate.h"
#include "experiment/model.h"
#include "experiment/scenario.h"

namespace semwave {

/// One slot, all links together.
struct SlotRow {
  std::int32_t slot = 0, arrived = 0, dropped = 0, expired = 0, sent = 0, late = 0, correct = 0, waiting = 0;  // correct: -1 without the network; waiting: in queues at its end
  double uses = 0, snr_db = 0, believed_snr_db = 0, age = 0, keep = 0, depth = 0;                              // means over its bursts
};

struct TimelineTotals {
  std::int64_t links = 0, slots = 0, arrived = 0, dropped = 0, expired = 0, late = 0, waiting = 0;
  double queue = 0;            // images waiting, mean over links and slots
  double age = 0;              // slots since what was believed was so, mean over bursts
  double wait_slots = 0, wait_p95_slots = 0, wait_p99_slots = 0;  // from arrival to the end of the burst
  // Batch means: each link is one batch, since the images of a link share its fades. Where the policy couples the links, twenty stretches of
  // slots are the batches instead, and intervals are of these very links.
  double accuracy_halfwidth = 0, uses_halfwidth = 0, psnr_halfwidth = 0;
  // Right answers in time, channel uses and PSNR over all images that arrived, sent or not.
  double arrived_accuracy = 0, arrived_accuracy_halfwidth = 0, arrived_uses = 0, arrived_uses_halfwidth = 0, arrived_psnr_db = 0, arrived_psnr_halfwidth = 0;
};

struct Timeline {
  PointResult result;            // totals are of the images sent; those late count as wrong
  TimelineTotals totals;
  std::vector<SlotRow> slots;
};

/// `result.images` is filled where the scenario wants records. Without metrics the network is left out: channel, feedback, decisions and
/// queues go their way, uses are those planned. Equal for any threads and shards.
Timeline run_timeline(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool, const EvaluateOptions& options);

}  // namespace semwave
