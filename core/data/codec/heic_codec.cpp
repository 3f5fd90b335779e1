// HEVC still pictures by libheif with x265 (decoded by libde265), its presets as heif-enc has them:
// the stand-in for BPG, which codes the same pictures in a smaller container. Sent is the one slice
// of the picture (ITU-T H.265, 7.3.2.9) behind its two-byte NAL header. Not sent, since both ends
// make them by coding a grey picture of the same size: every box of the container (ISO/IEC
// 23008-12) and the parameter sets (VPS, SPS, PPS), which depend on the size and not on picture or
// quality; that this holds is checked for every picture that is coded. x265 3.5 leaks about a
// kilobyte an encoder, which is one a picture (the names of its parameters). libheif codes nothing
// below 64 x 64: a smaller picture is continued to that size and cut out again, at the cost of a
// few bits.
#include <libheif/heif.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <map>
#include <mutex>

#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "core/numerics.h"

namespace semwave {
namespace {

constexpr std::size_t length_field = 4, nal_header = 2;

void check(const heif_error& error) {
  if (error.code != heif_error_Ok)
    throw Error("heic",
                error.message && *error.message ? error.message : "libheif fails without a word");
}

template <class T, void (*release)(T*)>
struct Release {
  void operator()(T* handle) const { release(handle); }
};
using Context = std::unique_ptr<heif_context, Release<heif_context, heif_context_free>>;
struct ReleaseEncoder {
  void operator()(heif_encoder* encoder) const { heif_encoder_release(encoder); }
};
struct ReleaseImage {
  void operator()(const heif_image* image) const { heif_image_release(image); }
};
struct ReleaseHandle {
  void operator()(const heif_image_handle* handle) const { heif_image_handle_release(handle); }
};
using Image = std::unique_ptr<heif_image, ReleaseImage>;
using Handle = std::unique_ptr<heif_image_handle, ReleaseHandle>;

Image to_heif(const Picture& picture) {
  const bool grey = picture.channels == 1;
  const heif_channel channel = grey ? heif_channel_Y : heif_channel_interleaved;
  heif_image* made = nullptr;
  check(heif_image_create(picture.width, picture.height,
                          grey ? heif_colorspace_monochrome : heif_colorspace_RGB,
                          grey ? heif_chroma_monochrome : heif_chroma_interleaved_RGB, &made));
  Image image(made);
  check(heif_image_add_plane(made, channel, picture.width, picture.height, grey ? 8 : 24));
  int stride = 0;
  std::uint8_t* plane = heif_image_get_plane(made, channel, &stride);
  const std::size_t row =
      static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
  for (int y = 0; y < picture.height; ++y)
    std::memcpy(plane + static_cast<std::ptrdiff_t>(y) * stride,
                picture.pixels.data() + static_cast<std::size_t>(y) * row, row);
  return image;
}

heif_error collect(heif_context*, const void* data, std::size_t size, void* user) {
  auto& out = *static_cast<std::vector<std::uint8_t>*>(user);
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  out.insert(out.end(), bytes, bytes + size);
  return {heif_error_Ok, heif_suberror_Unspecified, ""};
}

std::vector<std::uint8_t> write_file(const Picture& picture, int quality) {
  const Context context(heif_context_alloc());
  heif_encoder* made = nullptr;
  check(heif_context_get_encoder_for_format(context.get(), heif_compression_HEVC, &made));
  const std::unique_ptr<heif_encoder, ReleaseEncoder> encoder(made);
  check(heif_encoder_set_lossy_quality(made, quality));
  check(heif_encoder_set_parameter_string(
      made, "x265:pools",
      "none"));  // threads stand above: and the same bits for any number of them
  check(heif_encoder_set_parameter_string(made, "x265:frame-threads", "1"));
  const Image image = to_heif(picture);
  heif_image_handle* handle = nullptr;
  check(heif_context_encode_image(context.get(), image.get(), made, nullptr, &handle));
  const Handle owned(handle);
  std::vector<std::uint8_t> file;
  heif_writer writer{1, collect};
  check(heif_context_write(context.get(), &writer, &file));
  return file;
}

std::uint32_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void put_number(std::vector<std::uint8_t>& bytes, std::size_t at, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

/// A file without its slice: everything up to the NAL header's end, with the three lengths that
/// depend on the slice set to zero.
struct Outer {
  std::vector<std::uint8_t> bytes;
  std::size_t box_length = 0, extent_length = 0, slice_length = 0;  // where they stand
};

/// Where iloc says how long the item is whose data begins at `data`; 0 where it does not. `box` is
/// the whole iloc box.
std::size_t extent_length_of(std::span<const std::uint8_t> box, std::size_t data) {
  if (box.size() < 16 || box[8] > 1 || box[12] != 0x44 || box[13] != 0x40)
    return 0;  // 4 bytes each for offset, length and base
  const std::size_t before_base = box[8] == 0 ? 4 : 6,
                    entry = before_base + 14;  // id, construction method in version 1, data
                                               // reference | base, count 1, offset, length
  for (std::size_t at = 16; at + entry <= box.size(); at += entry)
    if (number_at(box, at + before_base) == data) return at + entry - 4;
  return 0;
}

/// No bytes where the file is laid out otherwise: ftyp, meta with an iloc, and at the end an mdat
/// that holds one NAL unit.
Outer outer_of(std::span<const std::uint8_t> file) {
  Outer outer;
  std::size_t box = 0;
  while (box + 8 <= file.size() && std::memcmp(file.data() + box + 4, "mdat", 4) != 0) {
    const std::size_t length = number_at(file, box);
    if (length < 8 || length > file.size() - box) return {};
    box += length;
  }
  const std::size_t start = box + 8 + length_field + nal_header;
  if (start > file.size() || number_at(file, box) != file.size() - box ||
      number_at(file, box + 8) != file.size() - box - 8 - length_field)
    return {};
  static constexpr std::array<std::uint8_t, 4> name{'i', 'l', 'o', 'c'};
  const auto found = static_cast<std::size_t>(
      std::search(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(box), name.begin(),
                  name.end()) -
      file.begin());
  if (found < 4 || found >= box || number_at(file, found - 4) > box - (found - 4)) return {};
  outer.box_length = box;
  outer.slice_length = box + 8;
  const std::size_t length_at =
      extent_length_of(file.subspan(found - 4, number_at(file, found - 4)), outer.slice_length);
  outer.extent_length = found - 4 + length_at;
  if (length_at == 0 || number_at(file, outer.extent_length) != file.size() - outer.slice_length)
    return {};
  outer.bytes.assign(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(start));
  for (const std::size_t at : {outer.box_length, outer.extent_length, outer.slice_length})
    put_number(outer.bytes, at, 0);
  return outer;
}

/// libheif with its encoders and decoders of HEVC.
std::string heic_library() {
  constexpr int most = 8;
  std::string made = std::string("libheif ") + heif_get_version();
  const heif_encoder_descriptor* encoders[most];
  const int encoding = heif_get_encoder_descriptors(heif_compression_HEVC, nullptr, encoders, most);
  for (int i = 0; i < encoding; ++i)
    made += std::string(", ") + heif_encoder_descriptor_get_name(encoders[i]);
  const heif_decoder_descriptor* decoders[most];
  const int decoding = heif_get_decoder_descriptors(heif_compression_HEVC, decoders, most);
  for (int i = 0; i < decoding; ++i)
    made += std::string(", ") + heif_decoder_descriptor_get_name(decoders[i]);
  return made;
}

class HeicCodec final : public ImageCodec {
 public:
  Component component() const override {
    static const std::string library = heic_library();
    return component_of(part::heic, library);
  }

  std::vector<std::uint8_t> encode(const Picture& picture, int quality) const override {
    assert(quality >= 0 && quality <= best_quality);
    const Outer& known = outer(picture.height, picture.width, picture.channels);
    const std::vector<std::uint8_t> file = write_file(picture, quality);
    if (outer_of(file).bytes != known.bytes)
      throw Error("heic",
                  "libheif lays out this picture in another way than a grey one of its size");
    return {file.begin() + static_cast<std::ptrdiff_t>(known.bytes.size()), file.end()};
  }

  Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                 int channels) const override {
    if (bytes.empty() || bytes.size() > longest_stream(height, width, channels))
      throw Error("heic", "the stream is empty or too long for the picture");
    const Outer& known = outer(height, width, channels);
    std::vector<std::uint8_t> file = known.bytes;
    file.insert(file.end(), bytes.begin(), bytes.end());
    put_number(file, known.box_length, file.size() - known.box_length);
    put_number(file, known.extent_length, file.size() - known.slice_length);
    put_number(file, known.slice_length, file.size() - known.slice_length - length_field);

    const Context context(heif_context_alloc());
    heif_context_set_maximum_image_size_limit(
        context.get(),
        std::max(height, width) + 64);  // it codes nothing smaller than 64, and even sizes
    check(heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(),
                                                     nullptr));
    heif_image_handle* found = nullptr;
    check(heif_context_get_primary_image_handle(context.get(), &found));
    const Handle handle(found);
    const bool grey = channels == 1;
    const heif_channel channel = grey ? heif_channel_Y : heif_channel_interleaved;
    heif_image* decoded = nullptr;
    check(heif_decode_image(found, &decoded, grey ? heif_colorspace_YCbCr : heif_colorspace_RGB,
                            grey ? heif_chroma_420 : heif_chroma_interleaved_RGB,
                            nullptr));  // grey: the luma as it was coded
    const Image image(decoded);
    if (heif_image_get_width(decoded, channel) != width ||
        heif_image_get_height(decoded, channel) != height)
      throw Error("heic", "the picture has another size");
    int stride = 0;
    const std::uint8_t* plane = heif_image_get_plane_readonly(decoded, channel, &stride);
    if (plane == nullptr) throw Error("heic", "the picture has other channels");
    const std::size_t row = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    Picture picture{height, width, channels,
                    std::vector<std::uint8_t>(static_cast<std::size_t>(height) * row)};
    for (int y = 0; y < height; ++y)
      std::memcpy(picture.pixels.data() + static_cast<std::size_t>(y) * row,
                  plane + static_cast<std::ptrdiff_t>(y) * stride, row);
    return picture;
  }

 private:
  /// Made once for a size. The lock also keeps the first use of x265, which sets up its tables, to
  /// one thread.
  const Outer& outer(int height, int width, int channels) const {
    const std::lock_guard lock(mutex_);
    Outer& made = outers_[{height, width, channels}];
    if (made.bytes.empty()) {
      const std::size_t values = static_cast<std::size_t>(height) *
                                 static_cast<std::size_t>(width) *
                                 static_cast<std::size_t>(channels);
      made = outer_of(
          write_file({height, width, channels, std::vector<std::uint8_t>(values, 128)}, 50));
      if (made.bytes.empty())
        throw Error("heic", "libheif lays out its files in another way than version 1.15");
    }
    return made;
  }

  mutable std::mutex mutex_;
  mutable std::map<std::array<int, 3>, Outer> outers_;
};

}  // namespace

std::shared_ptr<const ImageCodec> make_heic_codec() {
  static const std::shared_ptr<const ImageCodec> codec = std::make_shared<HeicCodec>();
  return codec;
}

}  // namespace semwave
