// Images of a dataset as the tensors of a pass, and back.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/pooled_vector.h"
#include "core/data/dataset.h"
#include "core/nn/architecture.h"
#include "core/tensor/backend.h"
#include "experiment/pair/pair.h"
#include "receiver/receiver.h"

namespace semwave {

/// [indices, H, W, C] in [0, 1].
Tensor image_tensor(Backend& backend, const Dataset& data, std::span<const std::int32_t> indices);

/// Patches [grid, channel x row x column] of one image -> [H, W, C].
void image_from_patches(const Architecture& architecture, const float* patches, float* image);

/// The rebuilt images of a result, one after another, however they come. Model and result outlive
/// it.
class RebuiltImages {
 public:
  RebuiltImages(const Model& model, const Result& result);
  /// The j-th of result.rebuilt, [H, W, C] in [0, 1]. Holds until the next is asked for.
  std::span<const float> image(std::size_t j) const;

 private:
  const Architecture& architecture_;
  bool tokens_;
  PooledVector<float> all_;
  mutable PooledVector<float> whole_;
  std::span<const float> images_;
  std::size_t values_ = 0;
};

/// Whether every image has the size that the model was made for.
bool has_own_size(const Architecture& architecture, const Dataset& data);
/// Throws Error at `place` where the images of the data do not go through the pair's model.
void check_images(const Pair& pair, const Architecture& architecture, const Dataset& data,
                  const Place& place);

}  // namespace semwave
