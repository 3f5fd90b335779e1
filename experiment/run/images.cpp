#include "experiment/run/images.h"

#include "core/base/error.h"
#include "core/data/picture.h"

namespace semwave {

Tensor image_tensor(Backend& backend, const Dataset& data, std::span<const std::int32_t> indices) {
  const int first = indices.empty() || data.one_size() ? 0 : indices[0];
  const int height = indices.empty() ? data.height : data.height_of(first),
            width = indices.empty() ? data.width : data.width_of(first);
  PooledVector<float> values(indices.size() * static_cast<std::size_t>(height) *
                             static_cast<std::size_t>(width) *
                             static_cast<std::size_t>(data.channels));
  to_float(data, indices, values.data());
  return backend.from_host(
      {static_cast<std::int64_t>(indices.size()), height, width, data.channels}, values.data());
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

RebuiltImages::RebuiltImages(const Model& model, const Result& result)
    : architecture_(model.architecture), tokens_(result.patches.defined()) {
  if (result.rebuilt.empty()) return;
  const Var& var = tokens_ ? result.patches : result.pictures;
  if (var.defined()) {
    all_.resize(static_cast<std::size_t>(var.value().size()));
    model.parameters->backend().to_host(var.value(), all_.data());
  }
  images_ = var.defined() ? std::span<const float>(all_) : std::span<const float>(result.images);
  values_ = images_.size() / result.rebuilt.size();
  if (tokens_) whole_.resize(values_);
}

std::span<const float> RebuiltImages::image(std::size_t j) const {
  const auto one = images_.subspan(j * values_, values_);
  if (!tokens_) return one;
  image_from_patches(architecture_, one.data(), whole_.data());
  return whole_;
}

bool has_own_size(const Architecture& a, const Dataset& data) {
  return data.one_size() && data.height == a.height && data.width == a.width;
}

namespace {

void check_any_size(const Pair& pair, const Architecture& a, const Dataset& data,
                    const Place& place) {
  constexpr std::int64_t most_pixels = std::int64_t{1} << 25;
  const auto kind = [](int channels) {
    return channels == 1   ? std::string("grey")
           : channels == 3 ? std::string("in colour")
                           : "of " + std::to_string(channels) + " channels";
  };
  if (data.channels != a.channels)
    throw Error(place.str(), "images of " + data.name + " are " + kind(data.channels) +
                                 ", those of the model " + kind(a.channels));
  const int least = pair.least_side(a);
  for (int i = 0; i < data.count(); ++i) {
    const int height = data.height_of(i), width = data.width_of(i);
    const std::string which = "image " + std::to_string(i) + " of " + data.name + " is " +
                              size_text(height, width, data.channels);
    if (height < least || width < least)
      throw Error(place.str(), which + ", the network's strides need " + std::to_string(least) +
                                   " pixels each way");
    if (std::int64_t{height} * width > most_pixels)
      throw Error(place.str(), which + ", at most 2^25 pixels go through a network at once");
    if (data.one_size()) break;
  }
}

}  // namespace

void check_images(const Pair& pair, const Architecture& a, const Dataset& data,
                  const Place& place) {
  if (pair.takes_any_size(a)) return check_any_size(pair, a, data, place);
  if (!data.one_size())
    throw Error(place.str(), "images of " + data.name + " differ in size, and the model takes " +
                                 size_text(a.height, a.width, a.channels) + " alone");
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
