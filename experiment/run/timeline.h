// Links over time: images arrive, wait, are planned for with what feedback has told of the link,
// and are sent slot by slot.
//
// In each slot and link: (1) a report of the receiver arrives, `delay` slots old, unless it was
// lost; (2) images arrive (Poisson) and join the queue while there is room; (3) those whose
// deadline can no longer be kept leave it; (4) a free link sends the first of its queue, planned
// for by the newest report, unless its policy holds it back; (5) a burst of u uses keeps its link
// busy for ceil(u / slot_uses) slots and meets the fade of its first. Slots follow each other;
// within one the links' bursts go through the network in shards, on all threads.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

struct Timeline {
  PointResult result;  // totals are of the images sent; those late count as wrong
  TimelineTotals totals;
  std::vector<SlotRow> slots;
};

/// `result.images` is filled where the scenario wants records. Without metrics the network is left
/// out: channel, feedback, decisions and queues go their way, uses are those planned. Equal for any
/// threads and shards.
Timeline run_timeline(const Scenario& scenario, const Model& model, const Dataset& data,
                      ThreadPool& pool, const EvaluateOptions& options);

}  // namespace semwave
