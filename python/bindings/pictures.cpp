#include "python/bindings/pictures.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/sha256.h"

namespace semwave::python {
namespace {

std::vector<std::uint8_t> pixels_of(const py::array& images) {
  const auto count = static_cast<std::size_t>(images.size());
  if (images.itemsize() == 1) {
    const auto* const bytes = static_cast<const std::uint8_t*>(images.data());
    return {bytes, bytes + count};
  }
  check_finite(images, "images");
  const auto* const values = static_cast<const float*>(images.data());
  std::vector<std::uint8_t> pixels(count);
  for (std::size_t v = 0; v < count; ++v) {
    if (values[v] < 0 || values[v] > 1)
      throw Error("images",
                  "of float32 must lie between 0 and 1, number " + std::to_string(v) + " does not");
    pixels[v] = static_cast<std::uint8_t>(std::lround(255 * values[v]));
  }
  return pixels;
}

}  // namespace

Dataset dataset_argument(const py::handle& value, const py::handle& labels) {
  const bool bytes =
      py::isinstance<py::array>(value) && py::reinterpret_borrow<py::array>(value).itemsize() == 1;
  const py::array images = array_argument(value, "images", bytes ? "uint8" : "float32", 4);
  const py::ssize_t height = images.shape(1), width = images.shape(2), channels = images.shape(3);
  if (images.shape(0) < 1 || images.shape(0) > 1 << 24 || height < 1 || height > 8192 ||
      width < 1 || width > 8192 || (channels != 1 && channels != 3))
    throw Error("images",
                "must be [images, height, width, channels] of at least one image, 1 or 3 "
                "channels, at most 8192 pixels a side");
  Dataset data;
  data.name = "images";
  data.height = static_cast<int>(height);
  data.width = static_cast<int>(width);
  data.channels = static_cast<int>(channels);
  data.labels.assign(static_cast<std::size_t>(images.shape(0)), -1);
  if (!labels.is_none()) {
    const PooledVector<std::uint32_t> told = ids_argument(labels, "labels");
    if (told.size() != data.labels.size())
      throw Error("labels",
                  "must be one each of the " + std::to_string(data.labels.size()) + " images");
    for (std::size_t i = 0; i < told.size(); ++i) {
      if (told[i] > 0xFFFF) throw Error("labels", "must be below 65536");
      data.labels[i] = static_cast<std::int32_t>(told[i]);
    }
    data.classes = *std::max_element(data.labels.begin(), data.labels.end()) + 1;
  }
  data.pixels = pixels_of(images);
  Sha256 sum;
  sum.add(data.labels.data(), data.labels.size() * sizeof(data.labels[0]));
  sum.add(data.pixels.data(), data.pixels.size());
  data.sha256 = sum.hex();
  return data;
}

}  // namespace semwave::python
