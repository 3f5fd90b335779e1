// One point of a scenario: images through transmitter, channel and receiver, and what it cost.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/results/record.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

/// From sums to means over the images sent, shares of the experts from their rows, and what the
/// dense network would cost.
void finish(PointResult& result, const Model& model, double sent,
            const std::vector<std::int64_t>& expert_rows);

/// Results are looked at for stopping, progress and interruption after this many images, whatever
/// the shard size.
inline constexpr int chunk_images = 500;
/// Whether the scenario's `stop` is content with so many images, of which so many were right.
bool sure_enough(const StopRule& stop, std::int64_t correct, std::int64_t images);

struct EvaluateOptions {
  int shard = 0;                                 // 0: what the backend likes
  const std::atomic<bool>* interrupt = nullptr;  // checked between chunks
  std::function<void(int done, int total)>
      progress;  // called from the calling thread, between chunks
};

/// Throws Error where these images or metrics do not go with this model.
void check_point(const Scenario& scenario, const Model& model, const Dataset& data);

PointResult evaluate(const Scenario& scenario, const Model& model, const Dataset& data,
                     ThreadPool& pool, const EvaluateOptions& options);

}  // namespace semwave
