// Baseline JPEG by libjpeg-turbo, as cjpeg does it by default: integer DCT, 4:2:0 for colour, the
// standard Huffman tables (Annex K) and quantisers scaled by the quality. Sent is one byte with the
// quality and the entropy-coded data, its byte stuffing taken out. Not sent, since both ends know
// them or make them from the quality and the size: SOI, EOI, JFIF, the frame and scan headers, DQT
// and DHT.
//
// libjpeg reports errors by longjmp, which must not pass a C++ object's destructor: the functions
// that set the jump hold none.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>  // needs <cstdio> before it

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "core/numerics.h"

namespace semwave {
namespace {

constexpr std::uint8_t marker = 0xff, start_of_image = 0xd8, end_of_image = 0xd9,
                       start_of_scan = 0xda;

struct Errors {
  jpeg_error_mgr manager{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void leave(j_common_ptr common) {
  auto* errors = static_cast<Errors*>(common->client_data);
  common->err->format_message(common, errors->message);
  std::longjmp(errors->jump, 1);
}

/// A warning is of data that is missing or broken, which libjpeg would fill in.
void on_message(j_common_ptr common, int level) {
  if (level < 0) leave(common);
}

/// Memory that libjpeg allocated.
struct Output {
  unsigned char* data = nullptr;
  unsigned long bytes = 0;
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { std::free(data); }
};

struct Compressor {
  jpeg_compress_struct coder{};
  Errors errors;
  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() { jpeg_destroy_compress(&coder); }
};

struct Decompressor {
  jpeg_decompress_struct coder{};
  Errors errors;
  Decompressor() = default;
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { jpeg_destroy_decompress(&coder); }
};

template <class Coder>
void hook(Coder& coder, Errors& errors) {
  coder.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = leave;
  errors.manager.emit_message = on_message;
  coder.client_data = &errors;
}

void set_up(Compressor& c, int height, int width, int channels, int quality, Output& out) {
  jpeg_create_compress(&c.coder);
  jpeg_mem_dest(&c.coder, &out.data, &out.bytes);
  c.coder.image_height = static_cast<JDIMENSION>(height);
  c.coder.image_width = static_cast<JDIMENSION>(width);
  c.coder.input_components = channels;
  c.coder.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&c.coder);
  jpeg_set_quality(&c.coder, std::max(1, quality), TRUE);
  c.coder.write_JFIF_header = FALSE;
}

/// The abbreviated image: frame and scan headers and data, no tables. `pixels` null: the tables
/// alone.
bool write(Compressor& c, int height, int width, int channels, int quality,
           const unsigned char* pixels, Output& out) {
  hook(c.coder, c.errors);
  if (setjmp(c.errors.jump)) return false;
  set_up(c, height, width, channels, quality, out);
  if (pixels == nullptr) {
    jpeg_write_tables(&c.coder);
    return true;
  }
  jpeg_suppress_tables(&c.coder, TRUE);
  jpeg_start_compress(&c.coder, FALSE);
  while (c.coder.next_scanline < c.coder.image_height) {
    auto* row = const_cast<unsigned char*>(pixels) +
                static_cast<std::size_t>(c.coder.next_scanline) * static_cast<std::size_t>(width) *
                    static_cast<std::size_t>(channels);
    jpeg_write_scanlines(&c.coder, &row, 1);
  }
  jpeg_finish_compress(&c.coder);
  return true;
}

bool read(Decompressor& d, const Output& tables, std::span<const std::uint8_t> image, int height,
          int width, int channels, unsigned char* pixels) {
  hook(d.coder, d.errors);
  if (setjmp(d.errors.jump)) return false;
  jpeg_create_decompress(&d.coder);
  jpeg_mem_src(&d.coder, tables.data, tables.bytes);
  jpeg_read_header(&d.coder, FALSE);
  jpeg_mem_src(&d.coder, image.data(), static_cast<unsigned long>(image.size()));
  jpeg_read_header(&d.coder, TRUE);
  d.coder.jpeg_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_YCbCr;  // no JFIF marker says so
  d.coder.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&d.coder);
  assert(d.coder.output_height == static_cast<JDIMENSION>(height) &&
         d.coder.output_width == static_cast<JDIMENSION>(width) &&
         d.coder.output_components == channels);
  (void)height;
  while (d.coder.output_scanline < d.coder.output_height) {
    JSAMPROW row = pixels + static_cast<std::size_t>(d.coder.output_scanline) *
                                static_cast<std::size_t>(width) *
                                static_cast<std::size_t>(channels);
    jpeg_read_scanlines(&d.coder, &row, 1);
  }
  jpeg_finish_decompress(&d.coder);
  return true;
}

/// SOI, SOF0 and SOS of an image of this size, as libjpeg writes them.
std::vector<std::uint8_t> headers_of(int height, int width, int channels) {
  std::vector<std::uint8_t> out;
  out.reserve(64);
  out.insert(out.end(), {marker, start_of_image, marker, 0xc0, 0,
                         static_cast<std::uint8_t>(8 + 3 * channels), 8});
  for (const int side : {height, width})
    out.insert(out.end(), {static_cast<std::uint8_t>(side >> 8), static_cast<std::uint8_t>(side)});
  out.push_back(static_cast<std::uint8_t>(channels));
  for (int c = 0; c < channels; ++c)
    out.insert(out.end(), {static_cast<std::uint8_t>(c + 1),
                           static_cast<std::uint8_t>(channels == 3 && c == 0 ? 0x22 : 0x11),
                           static_cast<std::uint8_t>(c > 0)});
  out.insert(out.end(), {marker, start_of_scan, 0, static_cast<std::uint8_t>(6 + 2 * channels),
                         static_cast<std::uint8_t>(channels)});
  for (int c = 0; c < channels; ++c)
    out.insert(out.end(),
               {static_cast<std::uint8_t>(c + 1), static_cast<std::uint8_t>(c > 0 ? 0x11 : 0)});
  out.insert(out.end(), {0, 63, 0});
  return out;
}

class JpegCodec final : public ImageCodec {
 public:
  /// The library as compiled against: it does not say itself.
  Component component() const override {
    return component_of(part::jpeg,
                        "libjpeg-turbo " + std::to_string(LIBJPEG_TURBO_VERSION_NUMBER));
  }

  std::vector<std::uint8_t> encode(const Picture& picture, int quality) const override {
    assert(quality >= 0 && quality <= best_quality);
    Compressor compressor;
    Output image;
    if (!write(compressor, picture.height, picture.width, picture.channels, quality,
               picture.pixels.data(), image))
      throw Error("jpeg", compressor.errors.message);
    const std::vector<std::uint8_t> headers =
        headers_of(picture.height, picture.width, picture.channels);
    const std::size_t length = image.bytes;
    if (length < headers.size() + 2 || !std::equal(headers.begin(), headers.end(), image.data) ||
        image.data[length - 2] != marker || image.data[length - 1] != end_of_image)
      throw Error("jpeg", "this libjpeg lays out an image in another way than libjpeg-turbo 2.1");
    std::vector<std::uint8_t> out{static_cast<std::uint8_t>(quality)};
    for (std::size_t i = headers.size(); i < length - 2; ++i) {
      out.push_back(image.data[i]);
      if (image.data[i] == marker) ++i;  // the stuffed zero: there are no markers in the data
    }
    return out;
  }

  Picture decode(std::span<const std::uint8_t> bytes, int height, int width,
                 int channels) const override {
    if (bytes.empty() || bytes[0] > best_quality)
      throw Error("jpeg", "the stream does not begin with a quality");
    if (bytes.size() > longest_stream(height, width, channels))
      throw Error("jpeg", "the stream is too long for the picture");
    Compressor compressor;
    Output tables;
    if (!write(compressor, height, width, channels, bytes[0], nullptr, tables))
      throw Error("jpeg", compressor.errors.message);
    std::vector<std::uint8_t> image = headers_of(height, width, channels);
    for (const std::uint8_t byte : bytes.subspan(1)) {
      image.push_back(byte);
      if (byte == marker) image.push_back(0);
    }
    image.insert(image.end(), {marker, end_of_image});
    Picture picture{height, width, channels,
                    std::vector<std::uint8_t>(static_cast<std::size_t>(height) *
                                              static_cast<std::size_t>(width) *
                                              static_cast<std::size_t>(channels))};
    Decompressor decompressor;
    if (!read(decompressor, tables, image, height, width, channels, picture.pixels.data()))
      throw Error("jpeg", decompressor.errors.message);
    return picture;
  }
};

}  // namespace

std::shared_ptr<const ImageCodec> make_jpeg_codec() {
  return std::make_shared<JpegCodec>();
}

}  // namespace semwave
