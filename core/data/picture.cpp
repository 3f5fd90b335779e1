// PNG by libpng's simplified interface, JPEG by libjpeg. Both come from C and report errors by
// longjmp, which must not pass a C++ object's destructor: libpng does so inside itself; for libjpeg
// the two functions that set the jump hold nothing to destroy.
//
// What a file can cost is bounded before either library sees it, or while it works. libpng's
// simplified interface unpacks up to a thousand texts of 8 MB each and keeps them, and inflates
// data behind the last row without end: so chunks that no pixel depends on are taken out first, and
// the data are counted. libjpeg goes over the whole picture once a scan, however short the scan: so
// scans are counted against the picture's size.
#include <jerror.h>
#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>  // needs <cstdio> before it

#include <array>
#include <cassert>
#include <optional>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/input_file.h"
#include "core/data/picture.h"

namespace semwave {
namespace {

constexpr std::uint64_t side_limit = 8192, size_limit = std::uint64_t{256} << 20;

// Of the file: what a small picture may drag along, 16 bytes a pixel (twice what 16 bits of four
// channels take), and where its header does not come first.
constexpr std::uint64_t side_bytes = std::uint64_t{16} << 20, bytes_a_pixel = 16,
                        jpeg_file_limit = std::uint64_t{128} << 20,
                        png_file_limit = std::uint64_t{512} << 20;

// Of a JPEG: a legal progressive file can have some two thousand scans of a few bytes; encoders
// make 3 to 20.
constexpr std::uint64_t most_scans = 500, least_scans = 32, scanned_pixels = std::uint64_t{1} << 31;
constexpr long jpeg_memory =
    512L
    << 20;  // 2 bytes for each coefficient of a progressive picture of the largest size are 384 MiB

constexpr unsigned char png_start[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'},
                        jpeg_start[] = {0xff, 0xd8, 0xff};
constexpr std::size_t png_header =
    sizeof png_start + 25;  // with the first chunk, which says the size

void check_size(std::uint64_t height, std::uint64_t width, std::uint64_t channels,
                const std::string& place) {
  if (height < 1 || width < 1 || height > side_limit || width > side_limit ||
      height * width * channels > size_limit)
    throw Error(place, "is " + std::to_string(width) + " x " + std::to_string(height) + " with " +
                           std::to_string(channels) +
                           " channels, at most 8192 a side and 256 MiB are read");
}

void check_wanted(int height, int width, int channels, const std::string& place,
                  const WantedPicture* wanted) {
#ifdef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh: the fuzzer must notice
  wanted = nullptr;
#endif
  if (wanted == nullptr ||
      (height == wanted->height && width == wanted->width && channels == wanted->channels))
    return;
  throw Error(place, "is " + size_text(height, width, channels) + ", " + wanted->remark);
}

bool is_png(std::string_view file) {
  return file.size() >= sizeof png_start &&
         std::memcmp(file.data(), png_start, sizeof png_start) == 0;
}
bool is_jpeg(std::string_view file) {
  return file.size() >= sizeof jpeg_start &&
         std::memcmp(file.data(), jpeg_start, sizeof jpeg_start) == 0;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

/// A chunk of a PNG: length, type, data, sum.
struct Chunk {
  std::string_view type, data, whole;
};

/// The chunk that `rest` begins with; none where it does not hold a whole one.
std::optional<Chunk> first_chunk(std::string_view rest) {
  constexpr std::size_t frame = 12;
  if (rest.size() < frame || number_at(rest, 0) > rest.size() - frame) return std::nullopt;
  const std::size_t length = number_at(rest, 0);
  return Chunk{rest.substr(4, 4), rest.substr(8, length), rest.substr(0, frame + length)};
}

/// Whether a pixel may depend on it. Of colours libpng asks the ones named here, of profiles it
/// takes one.
bool matters(const Chunk& chunk, bool& profile) {
  const bool letters = std::all_of(chunk.type.begin(), chunk.type.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  const bool ancillary = letters && chunk.type[0] >= 'a';
  if (!ancillary || chunk.type == "tRNS" || chunk.type == "gAMA" || chunk.type == "cHRM" ||
      chunk.type == "sRGB")
    return true;
  return chunk.type == "iCCP" && !std::exchange(profile, true);
}

/// The file without what no pixel depends on; empty where all of it matters.
std::string without_the_rest(std::string_view file) {
  std::string kept;
  bool profile = false;
  std::size_t from = 0, at = sizeof png_start;
  while (const auto chunk = first_chunk(file.substr(at))) {
    if (!matters(*chunk, profile)) {
      kept.append(file, from, at - from);
      from = at + chunk->whole.size();
    }
    at += chunk->whole.size();
  }
  // Of a chunk that is not whole libpng takes as much memory as it claims, before it sees that the
  // file ends; only data are read in pieces.
  const std::string_view broken = file.substr(at);
  if (broken.size() >= 8 && broken.substr(4, 4) != "IDAT") {
    kept.append(file, from, at - from);
    return kept;
  }
  if (from > 0) kept.append(file, from);
  return kept;
}

/// Throws Error where the data go on far beyond the picture, which libpng would inflate to their
/// end.
void check_data_end(std::string_view file, const std::string& place) {
  if (file.size() < png_header) return;
  static constexpr std::array<unsigned, 7> channels_of{1, 0, 3, 1, 2, 0, 4};
  const std::uint64_t width = number_at(file, 16), height = number_at(file, 20),
                      depth = static_cast<std::uint8_t>(file[24]),
                      colour = static_cast<std::uint8_t>(file[25]);
  if (width > side_limit || height > side_limit || depth > 16 || colour >= channels_of.size())
    return;  // refused when its header is read

  // Twice, for the narrow rows of an interlaced picture.
  const std::uint64_t limit =
      2 * height * (1 + (width * depth * channels_of[colour] + 7) / 8) + (std::uint64_t{1} << 20);
  constexpr std::uint64_t most_a_byte = 1032;  // deflate packs no better
  struct Inflated : z_stream {
    Inflated() : z_stream{} {}
    Inflated(const Inflated&) = delete;
    Inflated& operator=(const Inflated&) = delete;
    ~Inflated() { inflateEnd(this); }
  } stream;
  if (file.size() * most_a_byte <= limit || inflateInit2(&stream, 0) != Z_OK) return;
  std::vector<unsigned char> piece(std::size_t{1} << 16);
  std::size_t at = sizeof png_start;
  while (const auto chunk = first_chunk(file.substr(at))) {
    at += chunk->whole.size();
    if (chunk->type != "IDAT") continue;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk->data.data()));
    stream.avail_in = static_cast<uInt>(chunk->data.size());
    do {
      stream.next_out = piece.data();
      stream.avail_out = static_cast<uInt>(piece.size());
      if (inflate(&stream, Z_NO_FLUSH) != Z_OK)
        return;  // its end, or something that libpng has words for
      if (stream.total_out > limit)
        throw Error(place, "corrupt PNG: its data go on beyond the picture");
    } while (stream.avail_out == 0 || stream.avail_in > 0);
  }
}

Picture parse_png(std::string_view file, const std::string& place, const WantedPicture* wanted) {
  struct Png : png_image {
    Png() : png_image{} { version = PNG_IMAGE_VERSION; }
    Png(const Png&) = delete;
    Png& operator=(const Png&) = delete;
    ~Png() { png_image_free(this); }
  } png;
  const std::string kept = without_the_rest(file);
  const std::string_view read = kept.empty() ? file : kept;
  if (!png_image_begin_read_from_memory(&png, read.data(), read.size()))
    throw Error(place, std::string("corrupt PNG: ") + png.message);
  const bool colour = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  Picture picture;
  picture.channels = colour ? 3 : 1;
  check_size(png.height, png.width, static_cast<std::uint64_t>(picture.channels), place);
  picture.height = static_cast<int>(png.height);
  picture.width = static_cast<int>(png.width);
  check_wanted(picture.height, picture.width, picture.channels, place, wanted);
  check_data_end(read, place);
  png.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  picture.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color black{0, 0, 0};
  if (!png_image_finish_read(&png, &black, picture.pixels.data(), 0, nullptr))
    throw Error(place, std::string("corrupt PNG: ") + png.message);
  return picture;
}

struct JpegReader {
  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  int scans = 0;  // as many are allowed
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
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM &&
      code != JWRN_JFIF_MAJOR)
    leave(common);
}

void on_progress(j_common_ptr common) {
  auto* reader = static_cast<JpegReader*>(common->client_data);
  if (reader->decoder.input_scan_number <= reader->scans) return;
  std::snprintf(reader->message, sizeof reader->message, "more than %d scans", reader->scans);
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
  reader.decoder.mem->max_memory_to_use = jpeg_memory;
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
  const std::size_t stride = static_cast<std::size_t>(reader.decoder.output_width) *
                             static_cast<std::size_t>(reader.decoder.output_components);
  while (reader.decoder.output_scanline < reader.decoder.output_height) {
    JSAMPROW row = pixels + reader.decoder.output_scanline * stride;
    jpeg_read_scanlines(&reader.decoder, &row, 1);
  }
  jpeg_finish_decompress(&reader.decoder);
  return true;
}

Picture parse_jpeg(std::string_view file, const std::string& place, const WantedPicture* wanted) {
  JpegReader reader;
  if (!read_jpeg_header(reader, reinterpret_cast<const unsigned char*>(file.data()), file.size()))
    throw Error(place, std::string("corrupt JPEG: ") + reader.message);
  Picture picture;
  picture.channels = reader.decoder.output_components;
  check_size(reader.decoder.output_height, reader.decoder.output_width,
             static_cast<std::uint64_t>(picture.channels), place);
  picture.height = static_cast<int>(reader.decoder.output_height);
  picture.width = static_cast<int>(reader.decoder.output_width);
  check_wanted(picture.height, picture.width, picture.channels, place, wanted);
  const std::uint64_t pixels =
      std::uint64_t{reader.decoder.output_height} * reader.decoder.output_width;
  reader.scans = static_cast<int>(std::clamp(scanned_pixels / pixels, least_scans, most_scans));
  picture.pixels.resize(static_cast<std::size_t>(picture.height) *
                        static_cast<std::size_t>(picture.width) *
                        static_cast<std::size_t>(picture.channels));
  if (!read_jpeg_pixels(reader, picture.pixels.data()))
    throw Error(place, std::string("corrupt JPEG: ") + reader.message);
  return picture;
}

}  // namespace

std::string size_text(int height, int width, int channels) {
  return std::to_string(width) + " x " + std::to_string(height) + " with " +
         std::to_string(channels) + (channels == 1 ? " channel" : " channels");
}

namespace {

Picture parse(const void* data, std::size_t bytes, const std::string& place,
              const WantedPicture* wanted) {
  const std::string_view file(static_cast<const char*>(data), bytes);
  if (is_png(file)) return parse_png(file, place, wanted);
  if (is_jpeg(file)) return parse_jpeg(file, place, wanted);
  throw Error(place, "is neither a PNG nor a JPEG file");
}

Picture read(const std::string& path, const WantedPicture* wanted) {
  // The first bytes alone, so that a file is not read that its picture does not need.
  InputFile file(path);
  std::string head(png_header, '\0');
  head.resize(file.read(head.data(), head.size()));
  std::uint64_t limit = jpeg_file_limit;
  if (wanted != nullptr) {
    limit = side_bytes + bytes_a_pixel * static_cast<std::uint64_t>(wanted->height) *
                             static_cast<std::uint64_t>(wanted->width);
  } else if (is_png(head) && head.size() == png_header) {
    limit = side_bytes + bytes_a_pixel * std::min<std::uint64_t>(number_at(head, 16), side_limit) *
                             std::min<std::uint64_t>(number_at(head, 20), side_limit);
  }
  const std::string bytes = read_file_whole(path, std::min(limit, png_file_limit));
  return parse(bytes.data(), bytes.size(), path, wanted);
}

}  // namespace

Picture read_picture(const std::string& path) {
  return read(path, nullptr);
}
Picture read_picture(const std::string& path, const WantedPicture& wanted) {
  return read(path, &wanted);
}

Picture parse_picture(const void* data, std::size_t bytes, const std::string& place) {
  return parse(data, bytes, place, nullptr);
}
Picture parse_picture(const void* data, std::size_t bytes, const std::string& place,
                      const WantedPicture& wanted) {
  return parse(data, bytes, place, &wanted);
}

void write_png(const std::string& path, const Picture& picture) {
  assert((picture.channels == 1 || picture.channels == 3) && picture.height > 0 &&
         picture.width > 0);
  assert(picture.pixels.size() == static_cast<std::size_t>(picture.height) *
                                      static_cast<std::size_t>(picture.width) *
                                      static_cast<std::size_t>(picture.channels));
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(picture.width);
  png.height = static_cast<png_uint_32>(picture.height);
  png.format = picture.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr))
    throw Error(path, std::string("cannot encode PNG: ") + png.message);
  write_file_whole(path, bytes.data(), size);
}

}  // namespace semwave
