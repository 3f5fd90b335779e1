// Lossy WebP by libwebp with the settings of cwebp. Sent is the VP8 key frame (RFC 6386) without
// its start code and size: the three bytes of its tag, which hold the length of the first
// partition, then both partitions. Not sent, since both ends know them: the RIFF container and the
// chunk header (20 bytes; their lengths follow from that of the stream), start code and size (7
// bytes). VP8 has colour always: a grey picture is sent as one of equal channels, and the mean of
// the channels is taken back.
#include <webp/decode.h>
#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "core/numerics.h"

namespace semwave {
namespace {

constexpr std::size_t container = 20, tag = 3, known = 7;  // bytes

void put32(std::uint8_t* at, std::size_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// RIFF, WEBP, VP8 and their lengths for a frame of so many bytes; chunks are of even length.
std::array<std::uint8_t, container> container_of(std::size_t frame) {
  std::array<std::uint8_t, container> out{'R', 'I', 'F', 'F', 0,   0,   0,   0,
                                          'W', 'E', 'B', 'P', 'V', 'P', '8', ' '};
  put32(out.data() + 4, 12 + frame + frame % 2);
  put32(out.data() + 16, frame + frame % 2);
  return out;
}

std::array<std::uint8_t, known> start_of(int height, int width) {
  return {0x9d,
          0x01,
          0x2a,
          static_cast<std::uint8_t>(width),
          static_cast<std::uint8_t>(width >> 8),
          static_cast<std::uint8_t>(height),
          static_cast<std::uint8_t>(height >> 8)};
}

std::vector<std::uint8_t> colour_of(const Picture& picture) {
  if (picture.channels == 3) return picture.pixels;
  std::vector<std::uint8_t> rgb;
  rgb.reserve(3 * picture.pixels.size());
  for (const std::uint8_t grey : picture.pixels) rgb.insert(rgb.end(), 3, grey);
  return rgb;
}

struct Writer : WebPMemoryWriter {
  Writer() { WebPMemoryWriterInit(this); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { WebPMemoryWriterClear(this); }
};

struct Source : WebPPicture {
  Source() {
    if (!WebPPictureInit(this))
      throw Error("webp", "libwebp is of another version than its headers");
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { WebPPictureFree(this); }
};

class WebpCodec final : public ImageCodec {
 public:
  Component component() const override {
    return component_of(part::webp, "libwebp " + std::to_string(WebPGetEncoderVersion()) + " " +
                                        std::to_string(WebPGetDecoderVersion()));
  }

  std::vector<std::uint8_t> encode(const Picture& picture, int quality) const override {
    assert(quality >= 0 && quality <= best_quality);
    WebPConfig config;
    if (!WebPConfigInit(&config))
      throw Error("webp", "libwebp is of another version than its headers");
    config.quality = static_cast<float>(quality);
    Source source;
    source.width = picture.width;
    source.height = picture.height;
    const std::vector<std::uint8_t> rgb = colour_of(picture);
    Writer writer;
    source.writer = WebPMemoryWrite;
    source.custom_ptr = &writer;
    if (!WebPPictureImportRGB(&source, rgb.data(), 3 * picture.width) ||
        !WebPEncode(&config, &source))
      throw Error("webp", "libwebp fails with its error " + std::to_string(source.error_code));

    const auto start = start_of(picture.height, picture.width);
    if (writer.size < container + tag + known || std::memcmp(writer.mem + 12, "VP8 ", 4) != 0 ||
        !std::equal(start.begin(), start.end(), writer.mem + container + tag))
      throw Error("webp", "libwebp made no simple lossy file");
    std::vector<std::uint8_t> out;
    out.reserve(writer.size);
    for (std::size_t i = container; i < writer.size; ++i)
      if (i < container + tag || i >= container + tag + known) out.push_back(writer.mem[i]);
    return out;
  }

  Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                 int channels) const override {
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh
    if (bytes.size() < tag || bytes.size() > longest_stream(height, width, channels))
      throw Error("webp", "the stream is too short or too long for the picture");
#endif
    const std::size_t frame = bytes.size() + known;
    const auto outer = container_of(frame);
    const auto start = start_of(height, width);
    std::vector<std::uint8_t> file(outer.begin(), outer.end());
    file.insert(file.end(), bytes.begin(), bytes.begin() + tag);
    file.insert(file.end(), start.begin(), start.end());
    file.insert(file.end(), bytes.begin() + tag, bytes.end());
    file.resize(container + frame + frame % 2);

    WebPBitstreamFeatures features;
    if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK ||
        features.width != width || features.height != height)
      throw Error("webp", "the stream is no lossy frame");
    const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
    std::vector<std::uint8_t> rgb(3 * pixels);
    if (WebPDecodeRGBInto(file.data(), file.size(), rgb.data(), rgb.size(), 3 * width) == nullptr)
      throw Error("webp", "the frame is corrupt");
    Picture picture{height, width, channels, {}};
    if (channels == 3) {
      picture.pixels = std::move(rgb);
    } else {
      for (std::size_t i = 0; i < pixels; ++i)
        picture.pixels.push_back(
            static_cast<std::uint8_t>((rgb[3 * i] + rgb[3 * i + 1] + rgb[3 * i + 2] + 1) / 3));
    }
    return picture;
  }
};

}  // namespace

std::shared_ptr<const ImageCodec> make_webp_codec() {
  return std::make_shared<WebpCodec>();
}

}  // namespace semwave
