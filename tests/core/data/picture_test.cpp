// PNG and JPEG as pixels, and augmentation of one image.
#include <gtest/gtest.h>
#include <png.h>

#include <cstdio>
#include <cstring>
#include <numeric>

#include <jpeglib.h>

#include "core/base/file.h"
#include "core/data/dataset.h"
#include "tests/core/data/jpeg_bytes.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

Picture pattern(int height, int width, int channels) {
  Picture picture{height, width, channels, {}};
  for (int i = 0; i < height * width * channels; ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 37 + i / 7));
  return picture;
}

TEST(Picture, PngReadsBackWhatWasWritten) {
  for (const int channels : {1, 3}) {
    const std::string path = temporary_path("a.png");
    const Picture written = pattern(5, 9, channels);
    write_png(path, written);
    const Picture read = read_picture(path);
    EXPECT_EQ(read.height, 5);
    EXPECT_EQ(read.width, 9);
    EXPECT_EQ(read.channels, channels);
    EXPECT_EQ(read.pixels, written.pixels);
  }
}

/// Bytes of a PNG in a format that write_png does not make.
std::string png_bytes(png_uint_32 format, png_uint_32 width, png_uint_32 height, const void* pixels,
                      const void* colours = nullptr, png_uint_32 entries = 0) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = width;
  png.height = height;
  png.format = format;
  png.colormap_entries = entries;
  std::string bytes(10000, '\0');
  png_alloc_size_t size = bytes.size();
  EXPECT_TRUE(png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels, 0, colours))
      << png.message;
  bytes.resize(size);
  return bytes;
}

TEST(Picture, PalettesBecomeRgb) {
  const std::uint8_t colours[] = {255, 0, 0, 0, 255, 0, 0, 0, 255}, pixels[] = {0, 1, 2, 1};
  const std::string bytes = png_bytes(PNG_FORMAT_RGB_COLORMAP, 2, 2, pixels, colours, 3);
  const Picture picture = parse_picture(bytes.data(), bytes.size(), "x");
  EXPECT_EQ(picture.channels, 3);
  EXPECT_EQ(picture.pixels,
            (std::vector<std::uint8_t>{255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 255, 0}));
}

TEST(Picture, TransparencyIsLaidOverBlack) {
  const std::uint8_t pixels[] = {10, 20, 30, 255, 200, 100, 50, 0};
  const std::string bytes = png_bytes(PNG_FORMAT_RGBA, 2, 1, pixels);
  EXPECT_EQ(parse_picture(bytes.data(), bytes.size(), "x").pixels,
            (std::vector<std::uint8_t>{10, 20, 30, 0, 0, 0}));
}

TEST(Picture, SixteenBitsBecomeEight) {
  const std::uint16_t pixels[] = {0, 65535};
  const std::string bytes = png_bytes(PNG_FORMAT_LINEAR_Y, 2, 1, pixels);
  EXPECT_EQ(parse_picture(bytes.data(), bytes.size(), "x").pixels,
            (std::vector<std::uint8_t>{0, 255}));
}

TEST(Picture, JpegReadsNearToWhatWasWritten) {
  for (const int channels : {1, 3}) {
    Picture smooth{16, 24, channels, {}};
    for (int row = 0; row < 16; ++row)
      for (int column = 0; column < 24; ++column)
        for (int channel = 0; channel < channels; ++channel)
          smooth.pixels.push_back(
              static_cast<std::uint8_t>(40 + 4 * row + 3 * column + 20 * channel));
    const std::string bytes = jpeg_bytes(smooth);
    const Picture read = parse_picture(bytes.data(), bytes.size(), "x");
    ASSERT_EQ(read.height, 16);
    ASSERT_EQ(read.width, 24);
    ASSERT_EQ(read.channels, channels);
    for (std::size_t i = 0; i < smooth.pixels.size(); ++i)
      EXPECT_NEAR(read.pixels[i], smooth.pixels[i], 6) << i;
  }
}

TEST(Picture, KindIsToldByContentNotByName) {
  const std::string path = temporary_path("a.png");
  const std::string bytes = jpeg_bytes(pattern(8, 8, 3));
  write_file_whole(path, bytes.data(), bytes.size());
  EXPECT_EQ(read_picture(path).height, 8);
  EXPECT_EQ(error_of([] { parse_picture("GIF89a", 6, "a.png"); }),
            "a.png: is neither a PNG nor a JPEG file");
}

TEST(Augment, WithoutFlipOrShiftNothingChanges) {
  std::vector<float> image(4 * 5 * 3);
  std::iota(image.begin(), image.end(), 1.0f);
  const std::vector<float> before = image;
  for (std::uint32_t id = 0; id < 20; ++id) augment(image.data(), 4, 5, 3, false, 0, 1, id, 0);
  EXPECT_EQ(image, before);
}

/// Where a one-hot image's point goes, or -1 where it leaves the image.
int moved(int point, int side, bool flip, int shift, std::uint64_t seed, std::uint32_t id,
          std::uint32_t epoch) {
  std::vector<float> image(static_cast<std::size_t>(side) * static_cast<std::size_t>(side), 0.0f);
  image[static_cast<std::size_t>(point)] = 1;
  augment(image.data(), side, side, 1, flip, shift, seed, id, epoch);
  int at = -1;
  float sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    sum += image[i];
    if (image[i] == 1) at = static_cast<int>(i);
  }
  EXPECT_EQ(sum, at < 0 ? 0 : 1);
  return at;
}

TEST(Augment, FlipsHalfOfTheImagesAndShiftsEvenly) {
  constexpr int side = 9, images = 4000;
  int flips = 0;
  std::vector<int> shifts(25, 0);
  for (std::uint32_t id = 0; id < images; ++id) {
    const int flipped = moved(0, side, true, 0, 7, id, 0);
    ASSERT_TRUE(flipped == 0 || flipped == side - 1);
    flips += flipped != 0;
    const int centre = moved(4 * side + 4, side, false, 2, 7, id, 3);
    const int down = centre / side - 4, right = centre % side - 4;
    ASSERT_LE(std::abs(down), 2);
    ASSERT_LE(std::abs(right), 2);
    ++shifts[static_cast<std::size_t>((down + 2) * 5 + right + 2)];
  }
  EXPECT_NEAR(flips, images / 2, 4 * 31.7);  // 4 standard deviations of a binomial, sqrt(4000)/2
  for (const int count : shifts) EXPECT_NEAR(count, images / 25, 4 * 12.4);
}

TEST(Augment, DrawsDependOnSeedImageAndEpochAlone) {
  const auto draw = [](std::uint64_t seed, std::uint32_t id, std::uint32_t epoch) {
    std::vector<int> places;
    for (std::uint32_t i = 0; i < 8; ++i)
      places.push_back(moved(30, 9, true, 2, seed, id + i, epoch));
    return places;
  };
  EXPECT_EQ(draw(1, 10, 2), draw(1, 10, 2));
  EXPECT_NE(draw(1, 10, 2), draw(2, 10, 2));
  EXPECT_NE(draw(1, 10, 2), draw(1, 20, 2));
  EXPECT_NE(draw(1, 10, 2), draw(1, 10, 3));
}

TEST(Augment, ChannelsMoveTogetherAndZerosComeIn) {
  // With a shift of at most one of a 1-row image, a row of twos in both channels keeps pairs equal.
  bool zeros = false;
  for (std::uint32_t id = 0; id < 30; ++id) {
    std::vector<float> image{1, 1, 2, 2, 3, 3};
    augment(image.data(), 1, 3, 2, true, 1, 5, id, 0);
    for (std::size_t i = 0; i < 6; i += 2) EXPECT_EQ(image[i], image[i + 1]);
    zeros = zeros || image[0] == 0 || image[4] == 0;
  }
  EXPECT_TRUE(zeros);
}

}  // namespace
}  // namespace semwave
