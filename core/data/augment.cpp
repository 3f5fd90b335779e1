// Augmentation of one image: a patch of it, a flip and a shift, each drawn from its own counter so
// that it does not depend on the batch.
#include <algorithm>
#include <cassert>
#include <vector>

#include "core/data/dataset.h"
#include "core/random/random.h"

namespace semwave {

PatchCorner patch_corner(int height, int width, int patch_height, int patch_width,
                         std::uint64_t seed, std::uint32_t image_id, std::uint32_t epoch) {
  assert(patch_height <= height && patch_width <= width);
  // Flip and shift draw at place 0, decoded pictures at place 1.
  const RandomWords words = philox(seed, Purpose::augmentation, image_id, epoch, 2);
  const auto draw = [](std::uint32_t word, int free) {
    return static_cast<int>(std::uint64_t{word} * (static_cast<std::uint64_t>(free) + 1) >> 32);
  };
  return {draw(words[0], height - patch_height), draw(words[1], width - patch_width)};
}

void patch_to_float(const Dataset& data, int image, PatchCorner corner, int patch_height,
                    int patch_width, float* out) {
  const std::int64_t line = std::int64_t{data.width_of(image)} * data.channels,
                     part = std::int64_t{patch_width} * data.channels;
  for (int row = 0; row < patch_height; ++row) {
    const std::uint8_t* from =
        data.image(image) + (corner.top + row) * line + std::int64_t{corner.left} * data.channels;
    for (std::int64_t v = 0; v < part; ++v) *out++ = static_cast<float>(from[v]) / 255.0f;
  }
}

void augment(float* image, int height, int width, int channels, bool flip, int shift,
             std::uint64_t seed, std::uint32_t image_id, std::uint32_t epoch) {
  assert(shift >= 0);
  const RandomWords words = philox(seed, Purpose::augmentation, image_id, epoch, 0);
  const auto draw = [shift](std::uint32_t word) {  // -shift..shift, each as likely up to 2^-32
    return static_cast<int>(std::uint64_t{word} * (2 * static_cast<std::uint64_t>(shift) + 1) >>
                            32) -
           shift;
  };
  const bool flipped = flip && (words[0] & 1u);
  const int down = draw(words[1]), right = draw(words[2]);
  if (!flipped && down == 0 && right == 0) return;

  const std::vector<float> before(image, image + std::int64_t{height} * width * channels);
  for (int row = 0; row < height; ++row)
    for (int column = 0; column < width; ++column) {
      float* to = image + (std::int64_t{row} * width + column) * channels;
      const int from_row = row - down, shifted = column - right;
      if (from_row < 0 || from_row >= height || shifted < 0 || shifted >= width) {
        std::fill_n(to, channels, 0.0f);
        continue;
      }
      const int from_column = flipped ? width - 1 - shifted : shifted;
      std::copy_n(before.data() + (std::int64_t{from_row} * width + from_column) * channels,
                  channels, to);
    }
}

}  // namespace semwave
