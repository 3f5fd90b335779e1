// Any bytes as a PNG or a JPEG (the first byte says which size is wanted, and whether sums of
// chunks are put right before): an Error, or a picture of that size.
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include <zlib.h>

#include "core/base/error.h"
#include "core/data/picture.h"
#include "tests/fuzz/require.h"

namespace {

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

/// No sum stands between the fuzzer and what a chunk holds.
void put_sums_right(std::string& png) {
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = number_at(png, at);
    if (length > png.size() - at - 12) return;
    const auto sum = static_cast<std::uint32_t>(crc32(
        0, reinterpret_cast<const Bytef*>(png.data() + at + 4), static_cast<uInt>(length + 4)));
    for (std::size_t i = 0; i < 4; ++i)
      png[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  if (bytes == 0) return 0;
  static const std::array<semwave::WantedPicture, 4> sizes{
      {{28, 28, 1, ""}, {32, 32, 3, ""}, {12, 20, 1, ""}, {70, 66, 3, ""}}};
  const semwave::WantedPicture& wanted = sizes[data[0] % sizes.size()];
  std::string file(reinterpret_cast<const char*>(data) + 1, bytes - 1);
  if ((data[0] & 64) != 0 && file.starts_with("\x89PNG")) put_sums_right(file);
  try {
    const semwave::Picture picture = semwave::parse_picture(file.data(), file.size(), "x", wanted);
    require(picture.height == wanted.height && picture.width == wanted.width &&
                picture.channels == wanted.channels,
            "a picture has the size that is wanted");
    require(picture.pixels.size() ==
                static_cast<std::size_t>(picture.height * picture.width * picture.channels),
            "and its pixels");
    // Without a wish it is the same picture.
    require(semwave::parse_picture(file.data(), file.size(), "x").pixels == picture.pixels,
            "the wish changes nothing");
  } catch (const semwave::Error&) {
  }
  return 0;
}
