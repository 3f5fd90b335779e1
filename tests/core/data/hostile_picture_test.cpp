// Pictures made to cost more than they show: memory and time of one file are bounded whatever it
// says.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <functional>

#include "core/base/file.h"
#include "core/data/codec/image_codec.h"
#include "core/data/picture.h"
#include "tests/core/data/jpeg_bytes.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

/// What a child needs for `body`, which returns whether it went as wanted.
struct Cost {
  bool wanted = false;
  double seconds = 0;  // of the processor
  long mib = 0;        // largest resident memory beyond that of a child that does nothing
};

long child(const std::function<bool()>& body, Cost& cost) {
  const pid_t made = fork();
  if (made == 0) _exit(body() ? 0 : 1);
  int status = 0;
  rusage usage{};
  EXPECT_EQ(wait4(made, &status, 0, &usage), made);
  cost.wanted = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  cost.seconds = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  return usage.ru_maxrss / 1024;
}

Cost cost_of(const std::function<bool()>& body) {
  Cost cost;
  const long idle = child([] { return true; }, cost);
  cost.mib = child(body, cost) - idle;
  return cost;
}

void put32(std::string& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
}

std::string chunk(const std::string& type, const std::string& data) {
  std::string made;
  put32(made, data.size());
  const std::string summed = type + data;
  made += summed;
  put32(made,
        crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size())));
  return made;
}

std::string packed(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string made(size, '\0');
  EXPECT_EQ(compress2(reinterpret_cast<Bytef*>(made.data()), &size,
                      reinterpret_cast<const Bytef*>(data.data()), data.size(), 9),
            Z_OK);
  made.resize(size);
  return made;
}

const std::string png_signature("\x89PNG\r\n\x1a\n", 8);

std::string header(std::uint32_t width, std::uint32_t height, int depth = 8, int colour = 0) {
  std::string data;
  put32(data, width);
  put32(data, height);
  return chunk("IHDR",
               data + static_cast<char>(depth) + static_cast<char>(colour) + std::string(3, '\0'));
}

/// A grey 28 x 28, `before` ahead of its pixels, `after` inside their stream.
std::string png(const std::string& before, const std::string& after = "") {
  std::string rows;
  for (int row = 0; row < 28; ++row)
    rows += std::string(1, '\0') + std::string(28, static_cast<char>(9 * row));
  return png_signature + header(28, 28) + before + chunk("IDAT", packed(rows + after)) +
         chunk("IEND", "");
}

bool is_the_picture(const Picture& picture) {
  return picture.height == 28 && picture.width == 28 && picture.channels == 1 &&
         picture.pixels[28 * 27] == 9 * 27;
}

std::string times(int count, const std::string& text) {
  std::string made;
  for (int i = 0; i < count; ++i) made += text;
  return made;
}

const std::string& eight_megabytes() {
  static const std::string data =
      packed(std::string(7999000, 'x'));  // below libpng's own limit a chunk
  return data;
}

void expect_cheap(const std::string& file, bool read_through) {
  const Cost cost = cost_of([&] {
    try {
      const Picture picture = parse_picture(file.data(), file.size(), "a");
      return read_through && is_the_picture(picture);
    } catch (const Error&) {
      return !read_through;
    }
  });
  EXPECT_TRUE(cost.wanted);
  EXPECT_LT(cost.mib, 128);
  EXPECT_LT(cost.seconds, 4);
}

TEST(HostilePicture, TextsOfAPngAreNotUnpacked) {
  const std::string text = chunk("zTXt", std::string("k\0\0", 3) + eight_megabytes());
  const std::string file = png(times(950, text));
  ASSERT_LT(file.size(), 10u << 20);
  expect_cheap(file, true);
}

TEST(HostilePicture, InternationalTextsOfAPngAreNotUnpacked) {
  const std::string text = chunk("iTXt", std::string("k\0\1\0\0\0", 6) + eight_megabytes());
  const std::string file = png(times(160, text));
  ASSERT_LT(file.size(), 2u << 20);
  expect_cheap(file, true);
}

TEST(HostilePicture, ProfilesAndPalettesOfAPngAreNotUnpacked) {
  const std::string profile = chunk("iCCP", std::string("k\0\0", 3) + eight_megabytes());
  const std::string palette =
      chunk("sPLT", std::string("k\0", 2) + std::string(1, 8) + std::string(600000, 'p'));
  expect_cheap(png(times(300, profile) + times(10, palette)), true);
}

TEST(HostilePicture, AChunkThatClaimsMoreThanTheFileTakesNoMemory) {
  for (const char* type : {"zTXt", "iTXt", "tEXt", "eXIf", "iCCP", "sPLT", "abCd"}) {
    std::string file = png_signature + header(28, 28);
    put32(file, 1764818979);
    file += type;
    for (const char* rest : {"", "k", "key\0\0and some more"}) {
      const std::string cut = file + rest;
      expect_cheap(cut, false);
    }
  }
}

TEST(HostilePicture, APngsDataEndWithItsPicture) {
  // 60 MB of zeros behind the last row.
  std::string rows = std::string(28 * 29, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit(&stream, 9), Z_OK);
  std::string data, piece(1u << 20, '\0');
  for (int i = 0; i <= 60; ++i) {
    std::string& in = i == 0 ? rows : piece;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    do {
      std::string out(1u << 16, '\0');
      stream.next_out = reinterpret_cast<Bytef*>(out.data());
      stream.avail_out = static_cast<uInt>(out.size());
      deflate(&stream, i == 60 ? Z_FINISH : Z_NO_FLUSH);
      data.append(out, 0, out.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    if (i == 0) piece.assign(piece.size(), '\0');
  }
  deflateEnd(&stream);
  ASSERT_LT(data.size(), 2u << 20);
  const std::string file = png_signature + header(28, 28) + chunk("IDAT", data) + chunk("IEND", "");
  EXPECT_EQ(error_of([&] { parse_picture(file.data(), file.size(), "a"); }),
            "a: corrupt PNG: its data go on beyond the picture");
  // A few bytes too many are passed over, as they always were.
  const std::string few = png("", "more");
  EXPECT_TRUE(is_the_picture(parse_picture(few.data(), few.size(), "a")));
}

TEST(HostilePicture, WhatAPixelDependsOnStays) {
  // Half transparent by tRNS, brightened by gAMA: both still count, with a text between them.
  std::string gamma;
  put32(gamma, 100000);
  const std::string text = chunk("tEXt", std::string("k\0v", 3)),
                    transparent = chunk("tRNS", std::string("\0\x63", 2));
  const std::string plain = png(""), brighter = png(chunk("gAMA", gamma)),
                    all = png(text + chunk("gAMA", gamma) + text + transparent + text),
                    some = png(chunk("gAMA", gamma) + transparent);
  const auto pixels = [](const std::string& file) {
    return parse_picture(file.data(), file.size(), "a").pixels;
  };
  EXPECT_NE(pixels(plain), pixels(brighter));
  EXPECT_NE(pixels(some), pixels(brighter));
  EXPECT_EQ(pixels(all), pixels(some));
}

/// Bits, highest first, with the zero that JPEG puts behind 0xff.
class Bits {
 public:
  void put(unsigned value, int count) {
    while (count-- > 0) {
      byte_ = byte_ << 1 | (value >> count & 1u);
      if (++filled_ == 8) flush();
    }
  }
  std::string end() {
    while (filled_ != 0) put(1, 1);
    return std::move(bytes_);
  }

 private:
  void flush() {
    bytes_ += static_cast<char>(byte_);
    if ((byte_ & 0xffu) == 0xff) bytes_ += '\0';
    byte_ = 0;
    filled_ = 0;
  }
  std::string bytes_;
  unsigned byte_ = 0;
  int filled_ = 0;
};

std::string segment(char marker, const std::string& body) {
  std::string made{'\xff', marker};
  made += static_cast<char>((body.size() + 2) >> 8);
  made += static_cast<char>(body.size() + 2);
  return made + body;
}

/// A grey progressive JPEG of side x side zeros whose scans after the first bring one bit of one
/// coefficient each, in a few bytes.
std::string many_scans(unsigned side, int count) {
  const unsigned blocks = side / 8 * (side / 8);
  std::string file("\xff\xd8", 2);
  file += segment('\xdb', std::string(1, '\0') + std::string(64, '\1'));
  const std::string sides{static_cast<char>(side >> 8), static_cast<char>(side),
                          static_cast<char>(side >> 8), static_cast<char>(side)};
  file += segment('\xc2', std::string(1, '\x08') + sides + std::string("\x01\x01\x11\x00", 4));
  // Codes: DC 0 -> no difference. AC 0 -> the end of a run of 2^14 blocks and more, 10 -> that of
  // one block.
  file += segment('\xc4', std::string(1, '\0') + std::string(1, '\1') + std::string(15, '\0') +
                              std::string(1, '\0'));
  file += segment('\xc4', std::string(1, '\x10') + std::string("\1\1", 2) + std::string(14, '\0') +
                              std::string("\xe0\x00", 2));
  const auto scan = [&](int first, int bit, bool again, std::string data) {
    const char bits = static_cast<char>(again ? (bit + 1) << 4 | bit : bit);
    file += segment('\xda', std::string("\x01\x01\x00", 3) + static_cast<char>(first) +
                                static_cast<char>(first) + bits) +
            std::move(data);
  };
  Bits dc;
  for (unsigned block = 0; block < blocks; ++block) dc.put(0, 1);
  scan(0, 0, false, dc.end());
  int made = 1;
  for (int coefficient = 1; coefficient < 64; ++coefficient)
    for (int bit = 10; bit >= 0 && made < count; --bit, ++made) {
      Bits ac;
      unsigned left = blocks;
      for (; left >= 16384; left -= std::min(left, 32767u)) {
        const unsigned run = std::min(left, 32767u);
        ac.put(0, 1);
        ac.put(run - 16384, 14);
      }
      for (; left > 0; --left) ac.put(2, 2);
      scan(coefficient, bit, bit < 10, ac.end());
    }
  return file + std::string("\xff\xd9", 2);
}

TEST(HostilePicture, TheScansOfAJpegAreCountedAgainstItsSize) {
  // 499 scans are legal, and below what a small picture may have; of 16 million pixels each costs a
  // pass over all.
  const std::string large = many_scans(4096, 499);
  ASSERT_LT(large.size(), 2u << 18);
  EXPECT_EQ(error_of([&] { parse_picture(large.data(), large.size(), "a"); }),
            "a: corrupt JPEG: more than 128 scans");
  const std::string small = many_scans(64, 499), few = many_scans(4096, 20),
                    thousands = many_scans(64, 600);
  EXPECT_EQ(parse_picture(small.data(), small.size(), "a").height, 64);
  EXPECT_EQ(parse_picture(few.data(), few.size(), "a").height, 4096);
  EXPECT_EQ(error_of([&] { parse_picture(thousands.data(), thousands.size(), "a"); }),
            "a: corrupt JPEG: more than 500 scans");
}

TEST(HostilePicture, TheLargestPicturesHaveBoundedCost) {
  const std::string largest = many_scans(8192, 64);
  const Cost cost = cost_of([&] {
    try {
      (void)parse_picture(largest.data(), largest.size(), "a");
      return false;
    } catch (const Error& problem) {
      return std::string(problem.what()) == "a: corrupt JPEG: more than 32 scans";
    }
  });
  EXPECT_TRUE(cost.wanted);
  EXPECT_LT(cost.mib, 512);
}

TEST(HostilePicture, AnotherSizeIsRefusedBeforeAnythingIsDecoded) {
  const WantedPicture wanted{28, 28, 1, "the model takes " + size_text(28, 28, 1)};
  const auto refused = [&](const std::string& file) {
    return error_of([&] { (void)parse_picture(file.data(), file.size(), "a", wanted); });
  };
  // No pixel of these can be decoded.
  EXPECT_EQ(refused(png_signature + header(28, 29) + chunk("IDAT", "none") + chunk("IEND", "")),
            "a: is 28 x 29 with 1 channel, the model takes 28 x 28 with 1 channel");
  EXPECT_EQ(
      refused(png_signature + header(28, 28, 8, 2) + chunk("IDAT", "none") + chunk("IEND", "")),
      "a: is 28 x 28 with 3 channels, the model takes 28 x 28 with 1 channel");
  std::string jpeg = many_scans(64, 2);
  jpeg.resize(jpeg.size() - 30);
  EXPECT_EQ(refused(jpeg), "a: is 64 x 64 with 1 channel, the model takes 28 x 28 with 1 channel");
  const std::string right = png("");
  EXPECT_TRUE(is_the_picture(parse_picture(right.data(), right.size(), "a", wanted)));
}

TEST(HostilePicture, AFileFarTooLargeForItsPictureIsNotRead) {
  const std::string path = temporary_path("a.png"), file = png("");
  write_file_whole(path, file.data(), file.size());
  ASSERT_EQ(::truncate(path.c_str(), 40 << 20), 0);  // 40 MiB of which the disk holds a page
  expect_contains(error_of([&] { (void)read_picture(path); }), path + ": larger than the ");
  expect_contains(error_of([&] {
                    (void)read_picture(path, WantedPicture{28, 28, 1, ""});
                  }),
                  path + ": larger than the ");
}

TEST(HostilePicture, NoStreamIsLongerThanItsPictureNeeds) {
  for (const auto& codec : {make_jpeg_codec(), make_webp_codec(), make_heic_codec()}) {
    Picture noise{32, 32, 3, {}};
    for (unsigned i = 0; i < 32 * 32 * 3; ++i)
      noise.pixels.push_back(static_cast<std::uint8_t>(i * i * 2654435761u >> 13));
    std::vector<std::uint8_t> stream = codec->encode(noise, ImageCodec::best_quality);
    ASSERT_LT(stream.size(), ImageCodec::longest_stream(32, 32, 3) / 4);
    stream.resize(ImageCodec::longest_stream(32, 32, 3) + 1);
    expect_contains(error_of([&] { (void)codec->decode(stream, 32, 32, 3); }),
                    "too long for the picture");
  }
}

}  // namespace
}  // namespace semwave
