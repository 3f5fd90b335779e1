// One shard of images through transmitter, channel and receiver: what a point of a sweep and a slot
// of a timeline have in common.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "channel/channel.h"
#include "core/data/dataset.h"
#include "experiment/run/evaluate.h"
#include "experiment/run/model.h"
#include "experiment/run/way.h"
#include "experiment/scenario/scenario.h"
#include "transmitter/policy/plan.h"

namespace semwave {

/// What each end knows of image `i` of a shard goes into its record: the sending end (label and
/// index of the source aside), and the hearing one. A record is whole once both have written.
void record_sent(const ShardPlan& planned, const TransmitTrace& trace, std::size_t i,
                 ImageRecord& record);
void record_heard(const Reception& heard, const Result& result, std::int32_t decision,
                  std::size_t i, ImageRecord& record);
/// Scores of a shard by the metrics of the scenario that need the image, where the model rebuilds
/// images; NaN elsewhere. `indices` are the originals in `data`, `mean` is what answers for an
/// image that was not rebuilt.
void score_images(const Scenario& scenario, const Model& model, const Dataset& data,
                  std::span<const std::int32_t> indices, std::span<const float> mean,
                  const Result& result, ImageRecord* records);

/// Scenario, model and data outlive it; `run` may be called by many threads at once.
class ShardRun {
 public:
  ShardRun(const Scenario& scenario, const Model& model, const Dataset& data);
  const Channel& channel() const { return channel_; }

  /// Images `indices` of the source, noise drawn for `ids` and `visit`, through everything, into
  /// `records`; adds to `expert_rows` [experts].
  ShardCost run(const PooledVector<std::int32_t>& indices, const PooledVector<std::uint32_t>& ids,
                std::uint32_t visit, const ShardPlan& planned, ImageRecord* records,
                std::int64_t* expert_rows) const;

  /// Scores of what stands for an image that was never sent, the mean training image.
  Scores unsent(std::int32_t image) const;

 private:
  const Scenario& scenario_;
  const Model& model_;
  const Dataset& data_;
  Backend& backend_;
  Channel channel_;
  std::vector<float> mean_;
};

}  // namespace semwave
