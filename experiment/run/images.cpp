#include "experiment/run/images.h"

#include "core/base/error.h"

namespace semwave {

Tensor image_tensor(Backend& backend, const Dataset& data, std::span<const std::int32_t> indices) {
  PooledVector<float> values(indices.size() * static_cast<std::size_t>(data.values()));
  to_float(data, indices, values.data());
  return backend.from_host(
      {static_cast<std::int64_t>(indices.size()), data.height, data.width, data.channels},
      values.data());
}

void image_from_patches(const Architecture& a, const float* patches, float* image) {
  const int ph = a.patch_height(), pw = a.patch_width(), columns = a.grid_width();
  for (int t = 0; t < a.grid(); ++t)
    for (int c = 0; c < a.channels; ++c)
      for (int y = 0; y < ph; ++y)
        for (int x = 0; x < pw; ++x)
          image[((t / columns * ph + y) * a.width + t % columns * pw + x) * a.channels + c] =
              *patches++;
}

void check_images(const Architecture& a, const Dataset& data, const Place& place) {
  if (data.height != a.height || data.width != a.width || data.channels != a.channels)
    throw Error(place.str(), "images of " + data.name + " are " + std::to_string(data.height) +
                                 "x" + std::to_string(data.width) + "x" +
                                 std::to_string(data.channels) + ", the model takes " +
                                 std::to_string(a.height) + "x" + std::to_string(a.width) + "x" +
                                 std::to_string(a.channels));
  if (data.classes > a.classes)
    throw Error(place.str(), data.name + " has " + std::to_string(data.classes) +
                                 " classes, the model tells " + std::to_string(a.classes) +
                                 " apart");
}

}  // namespace semwave
