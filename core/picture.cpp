// PNG by libpng's simplified interface, JPEG by libjpeg. Both come from C and report errors by longjmp, which must not pass a C++
// object's destructor: libpng does so inside itself; for libjpeg the two functions that set the jump hold nothing to destroy.
#include <jerror.h>
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>  // needs <cstdio> before it

#include <cassert>

#include "core/dataset.h"
#include "core/error.h"
#include "core/file.h"

namespace semwave {
namespace {

constexpr std::uint64_t side_limit = 8192, size_limit = std::uint64_t{256} << 20;
constexpr std::size_t file_limit = std::size_t{512} << 20;
constexpr int scan_limit = 500;  // a small progressive file can ask for hours of work otherwise

void check_size(std::uint64_t height, std::uint64_t width, std::uint64_t channels, const std::string& place) {
  if (height < 1 || width < 1 || height > side_limit || width > side_limit || height * width * channels > size_limit)
    throw Error(place, "is " + std::to_string(width) + " x " + std::to_string(height) + " with " + std::to_string(channels) +
                           " channels, at most 8192 a side and 256 MiB are read");
}

Picture parse_png(const void* data, std::size_t bytes, const std::string& place) {
  struct Png : png_image {
    Png() : png_image{} { version = PNG_IMAGE_VERSION; }
    ~Png() { png_image_free(this); }
  } png;
  if (!png_image_begin_read_from_memory(&png, data, bytes)) throw Error(place, std::string("corrupt PNG: ") + png.message);
  const bool colour = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  Picture picture;
  picture.channels = colour ? 3 : 1;
  check_size(png.height, png.width, static_cast<std::uint64_t>(picture.channels), place);
  picture.height = static_cast<int>(png.height);
  picture.width = static_cast<int>(png.width);
  png.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  picture.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color black{0, 0, 0};
  if (!png_image_finish_read(&png, &black, picture.pixels.data(), 0, nullptr)) throw Error(place, std::string("corrupt PNG: ") + png.message);
  return picture;
}

struct JpegReader {
  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&decoder); }
};

[[noreturn]] void leave(j_common_ptr common) {
  auto* reader = static_cast<JpegReader*>(common->client_data);
  common->err->format_message(common, reader->message);
  std::longjmp(reader->jump, 1);
}

/// libjpeg only warns of missing and broken data and fills in grey; here that is an error.
void on_message(j_common_ptr common, int level) {
  const int code = common->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_JFIF_MAJOR) leave(common);
}

void on_progress(j_common_ptr common) {
  auto* reader = static_cast<JpegReader*>(common->client_data);
  if (reader->decoder.input_scan_number <= scan_limit) return;
  std::snprintf(reader->message, sizeof reader->message, "more than %d scans", scan_limit);
  std::longjmp(reader->jump, 1);
}

bool read_jpeg_header(JpegReader& reader, const unsigned char* data, std::size_t bytes) {
  reader.decoder.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = leave;
  reader.errors.emit_message = on_message;
  reader.progress.progress_monitor = on_progress;
  reader.decoder.client_data = &reader;
  if (setjmp(reader.jump)) return false;
  jpeg_create_decompress(&reader.decoder);  // keeps err and client_data
  reader.decoder.progress = &reader.progress;
  jpeg_mem_src(&reader.decoder, data, static_cast<unsigned long>(bytes));
  jpeg_read_header(&reader.decoder, TRUE);
  const bool grey = reader.decoder.jpeg_color_space == JCS_GRAYSCALE;
  reader.decoder.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  reader.decoder.dct_method = JDCT_ISLOW;
  jpeg_calc_output_dimensions(&reader.decoder);
  reader.decoder.output_components = grey ? 1 : 3;
  return true;
}

bool read_jpeg_pixels(JpegReader& reader, unsigned char* pixels) {
  if (setjmp(reader.jump)) return false;
  jpeg_start_decompress(&reader.decoder);
  const std::size_t stride = static_cast<std::size_t>(reader.decoder.output_width) * static_cast<std::size_t>(reader.decoder.output_components);
  while (reader.decoder.output_scanline < reader.decoder.output_height) {
    JSAMPROW row = pixels + reader.decoder.output_scanline * stride;
    jpeg_read_scanlines(&reader.decoder, &row, 1);
  }
  jpeg_finish_decompress(&reader.decoder);
  return true;
}

Picture parse_jpeg(const void* data, std::size_t bytes, const std::string& place) {
  JpegReader reader;
  if (!read_jpeg_header(reader, static_cast<const unsigned char*>(data), bytes)) throw Error(place, std::string("corrupt JPEG: ") + reader.message);
  Picture picture;
  picture.channels = reader.decoder.output_components;
  check_size(reader.decoder.output_height, reader.decoder.output_width, static_cast<std::uint64_t>(picture.channels), place);
  picture.height = static_cast<int>(reader.decoder.output_height);
  picture.width = static_cast<int>(reader.decoder.output_width);
  picture.pixels.resize(static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels));
  if (!read_jpeg_pixels(reader, picture.pixels.data())) throw Error(place, std::string("corrupt JPEG: ") + reader.message);
  return picture;
}

}  // namespace

Picture parse_picture(const void* data, std::size_t bytes, const std::string& place) {
  static constexpr unsigned char png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg_start[] = {0xff, 0xd8, 0xff};
  if (bytes >= sizeof png_start && std::memcmp(data, png_start, sizeof png_start) == 0) return parse_png(data, bytes, place);
  if (bytes >= sizeof jpeg_start && std::memcmp(data, jpeg_start, sizeof jpeg_start) == 0) return parse_jpeg(data, bytes, place);
  throw Error(place, "is neither a PNG nor a JPEG file");
}

Picture read_picture(const std::string& path) {
  const std::string bytes = read_file_whole(path, file_limit);
  return parse_picture(bytes.data(), bytes.size(), path);
}

void write_png(const std::string& path, const Picture& picture) {
  assert((picture.channels == 1 || picture.channels == 3) && picture.height > 0 && picture.width > 0);
  assert(picture.pixels.size() == static_cast<std::size_t>(picture.height) * static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels));
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(picture.width);
  png.height = static_cast<png_uint_32>(picture.height);
  png.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr)) throw Error(path, std::string("cannot encode PNG: ") + png.message);
  write_file_whole(path, bytes.data(), size);
}

}  // namespace semwave
