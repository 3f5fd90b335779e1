// Any bytes as a stream of one of the image codecs (the first byte says which, and how large the
// picture): an Error, or a picture of that size.
#include <array>
#include <cstdint>

#include "core/base/error.h"
#include "core/data/codec/image_codec.h"
#include "tests/fuzz/require.h"

// x265 3.5 never gives back the names of its parameters, about a kilobyte an encoder; under the
// address sanitizer that is not ours to report.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}  // NOLINT: the name is the sanitizer's

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  if (bytes == 0) return 0;
  static const std::array codecs{semwave::make_jpeg_codec(), semwave::make_webp_codec(),
                                 semwave::make_heic_codec()};
  static constexpr std::array<std::array<int, 3>, 4> sizes{
      {{28, 28, 1}, {32, 32, 3}, {12, 20, 1}, {70, 66, 3}}};
  const auto [height, width, channels] = sizes[data[0] / 4 % 4];
  try {
    const semwave::Picture picture =
        codecs[data[0] % codecs.size()]->decode({data + 1, bytes - 1}, height, width, channels);
    require(picture.pixels.size() == static_cast<std::size_t>(height * width * channels),
            "a picture of the size that was asked for");
  } catch (const semwave::Error&) {
  }
  return 0;
}
