// Codecs of whole images: a picture at a quality -> the bytes that must be sent, and back. What
// both ends know without being told (the kind of codec, the size of the pictures, its tables and
// containers) is not in those bytes; what exactly each codec leaves out stands in its file.
// Encoding and decoding depend on their arguments alone, in any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config/registry.h"
#include "core/data/dataset.h"
#include "core/numerics.h"

namespace semwave {

class ImageCodec {
 public:
  static constexpr int best_quality = 100;  // 0 is the worst
  /// Bytes: no codec makes as many, and none decodes more, whoever sends them.
  static std::size_t longest_stream(int height, int width, int channels) {
    return (std::size_t{64} << 10) + 8 * static_cast<std::size_t>(height) *
                                         static_cast<std::size_t>(width) *
                                         static_cast<std::size_t>(channels);
  }

  virtual ~ImageCodec() = default;
  /// Its name and version as results know it: results made with another version are run again.
  virtual Component component() const = 0;
  /// Picture of 1 or 3 channels, sides 1 to 8192 -> at least one byte. Throws Error where the
  /// library fails.
  virtual std::vector<std::uint8_t> encode(const Picture& picture, int quality) const = 0;
  /// Of a picture of this size, and of nothing else. Bytes may be anything: throws Error where they
  /// describe no such picture. What a damaged stream decodes to, where it decodes, is not said.
  virtual Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                         int channels) const = 0;
};

using ImageCodecRegistry = Registry<std::shared_ptr<const ImageCodec>>;
/// jpeg, webp, heic, and what else is added before the first scenario is read.
ImageCodecRegistry& image_codecs();

std::shared_ptr<const ImageCodec> make_jpeg_codec();
std::shared_ptr<const ImageCodec> make_webp_codec();
std::shared_ptr<const ImageCodec> make_heic_codec();

}  // namespace semwave
