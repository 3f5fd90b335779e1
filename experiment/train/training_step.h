// Forward and backward of one batch: shards on eight fixed lanes, two-phase statistics between.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "channel/channel.h"
#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"
#include "experiment/train/objective.h"

namespace semwave {

/// Means over the batch, unweighted; balance and z are means over the routed blocks too, though
/// each block's counts in full.
struct BatchLoss {
  double class_loss = 0, image_loss = 0, gate_loss = 0, balance = 0, z = 0;
  double exit_loss = 0, budget_loss = 0;  // weighted already
  std::vector<double> terms;              // of settings.terms
  int routed_blocks = 0;
  double operations =
      0;  // executed forward, multiply-add = 2; the backward pass executes about twice as many
  double total(const TrainSettings& settings) const;
};

/// Leaves the gradient of a batch in its lanes. The sums are the same for any number of threads;
/// another shard size adds in another order and agrees to rounding. Scenario, model and data
/// outlive it; used from the pool's thread.
class TrainingStep {
 public:
  TrainingStep(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool,
               int shard);

  /// `indices` are images of the data, or patches of them: patch p of image i has the index
  /// i + p * (images of the data). Draws are keyed by (scenario.seed, index, epoch), so they do not
  /// depend on the batch.
  BatchLoss run(std::span<const std::int32_t> indices, int epoch);
  const std::vector<Gradients>& lanes() const { return lanes_; }
  int shard() const { return shard_; }  // images per shard

 private:
  struct Work;
  /// Images as a training sees them: decoded, cut, flipped, shifted.
  Tensor images_of(std::span<const std::int32_t> indices, std::uint32_t epoch) const;
  void forward(Work& work, std::span<const std::int32_t> indices, int epoch, int batch) const;

  const Scenario& scenario_;
  const TrainSettings& settings_;
  const Model& model_;
  const Dataset& data_;
  ThreadPool& pool_;
  Backend& backend_;
  Channel channel_;
  int shard_;
  std::vector<Gradients> lanes_;
};

}  // namespace semwave
