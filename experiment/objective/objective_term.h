// Terms that a project adds to what training minimises, beside the built-in ones
// (experiment/train/objective.h). Each has a weight in `train.losses` under its own name. How to
// add one: docs/extending/training.md.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/tensor/pass.h"
#include "receiver/receiver.h"
#include "transmitter/transmitter.h"

namespace semwave {

/// What a term sees of one shard of a batch.
struct ObjectiveInput {
  const Architecture& architecture;
  const Tensor& images;  // [shard, H, W, C] as the transmitter saw them
  std::span<const std::int32_t> labels;
  const TransmitTrace& sent;  // empty where a classifier is trained by itself
  const Result& result;
  int batch = 0;  // images of the whole batch, all shards together
};

/// Immutable; used by many threads at once.
class ObjectiveTerm {
 public:
  virtual ~ObjectiveTerm() = default;
  /// [1]: weight / batch x the sum over the images of this shard, so that the shards of a batch add
  /// up to the weighted mean however it was cut; undefined where nothing is asked of this shard.
  virtual Var value(Pass& pass, const ObjectiveInput& input, float weight) const = 0;
};

using ObjectiveTermRegistry = Registry<std::unique_ptr<ObjectiveTerm>>;
/// distil; a program may add to it before it reads a scenario.
ObjectiveTermRegistry& objective_terms();

}  // namespace semwave
