// Images of a dataset as the tensors of a pass, and back.
#pragma once

#include <cstdint>
#include <span>

#include "core/data/dataset.h"
#include "core/nn/architecture.h"
#include "core/tensor/backend.h"
#include "experiment/pair/pair.h"

namespace semwave {

/// [indices, H, W, C] in [0, 1].
Tensor image_tensor(Backend& backend, const Dataset& data, std::span<const std::int32_t> indices);

/// Patches [grid, channel x row x column] of one image -> [H, W, C].
void image_from_patches(const Architecture& architecture, const float* patches, float* image);

/// Whether every image has the size that the model was made for.
bool has_own_size(const Architecture& architecture, const Dataset& data);
/// Throws Error at `place` where the images of the data do not go through the pair's model.
void check_images(const Pair& pair, const Architecture& architecture, const Dataset& data,
                  const Place& place);

}  // namespace semwave
