// Files that are truncated, oversized, mis-shaped or full of nonsense, and disks that take nothing:
// each must end in an Error that names the file, without a leak or a read beyond it (run with
// SEMWAVE_SANITIZE too).
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include "core/config/json.h"
#include "core/data/dataset.h"
#include "core/tensor/checkpoint.h"
#include "tests/core/data/jpeg_bytes.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

// Checkpoints
// -------------------------------------------------------------------------------------------------

std::string checkpoint_file(const std::string& header, const std::string& data) {
  const std::uint64_t header_bytes = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &header_bytes, 8);
  return bytes + header + data;
}

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char*>(values.begin()), values.size() * 4};
}

std::string refused_checkpoint(const std::string& bytes) {
  return error_of([&] { parse_checkpoint(bytes.data(), bytes.size(), "m.safetensors"); });
}

std::string refused_header(const std::string& header, const std::string& data = floats({1, 2})) {
  return refused_checkpoint(checkpoint_file(header, data));
}

TEST(BadCheckpoint, EveryTruncationIsRefused) {
  Checkpoint checkpoint;
  checkpoint.arrays = {{"a", {2, 2}, {1, 2, 3, 4}}, {"b", {1}, {5}}};
  const std::string whole = checkpoint_bytes(checkpoint, "x");
  ASSERT_NO_THROW(parse_checkpoint(whole.data(), whole.size(), "x"));
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    const std::string cut(whole, 0,
                          bytes);  // its own memory, so that a sanitizer sees a read beyond it
    EXPECT_THROW(parse_checkpoint(cut.data(), cut.size(), "x"), Error) << bytes;
  }
  expect_contains(refused_checkpoint(whole + "x"),
                  "21 bytes of data, the arrays of the header have 20");
}

TEST(BadCheckpoint, HeaderLengthsAreChecked) {
  expect_contains(refused_checkpoint("short"), "m.safetensors: is no safetensors file: 5 bytes");
  expect_contains(refused_checkpoint(std::string(16, '\xff')), "truncated, or no safetensors file");
  std::string large((16u << 20) + 100, ' ');
  const std::uint64_t header_bytes = large.size() - 8;
  std::memcpy(large.data(), &header_bytes, 8);
  expect_contains(refused_checkpoint(large), "at most 16 MiB");
}

TEST(BadCheckpoint, HeadersAreHeldToTheFormat) {
  const std::string sound = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  {
    const std::string bytes = checkpoint_file(sound, floats({1, 2}));
    ASSERT_NO_THROW(parse_checkpoint(bytes.data(), bytes.size(), "x"));
  }
  expect_contains(refused_header("[]"), "m.safetensors: header: expected a JSON object");
  expect_contains(refused_header("{\"a\""), "m.safetensors: header: line 1");
  expect_contains(
      refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32",)"
                     R"("shape":[2],"data_offsets":[0,8]}})"),
      "given twice");
  expect_contains(refused_header(R"({"a":3})"), "array 'a': expected an object");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2]}})"),
                  "'data_offsets' is missing");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})"),
                  "unknown key 'x'");
  expect_contains(refused_header(R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})"),
                  "dtype 'I64' is not supported");
  expect_contains(refused_header(R"({"a":{"dtype":1,"shape":[1],"data_offsets":[0,8]}})"),
                  "dtype must be a string");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})"),
                  "not negative, found -2");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})"),
                  "whole number");
  expect_contains(
      refused_header(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}})"),
      "at most 8 extents");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})"),
                  "data_offsets must be [begin, end]");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":["0",8]}})"),
                  "whole number");
  expect_contains(
      refused_header(
          R"({"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
      "__metadata__: 'k' must be a string");
  expect_contains(
      refused_header(R"({"__metadata__":[],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
      "__metadata__: expected an object");
  expect_contains(refused_header("{\"" + std::string(257, 'n') +
                                 R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
                  "1 to 256 bytes");
  expect_contains(refused_header(R"({"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"),
                  "1 to 256 bytes");
}

TEST(BadCheckpoint, ShapesMatchTheirBytes) {
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})"),
                  "shape [3] of F32 does not match its 8 bytes");
  // 2^32 * 2^32 is 0 in 64 bits, and 2^50 * 2^12 * 4 too.
  expect_contains(
      refused_header(
          R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""),
      "overflows");
  expect_contains(
      refused_header(
          R"({"a":{"dtype":"F32","shape":[1125899906842624,4096],"data_offsets":[0,0]}})", ""),
      "does not match");
  expect_contains(
      refused_header(R"({"a":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,8]}})"),
      "larger than any file");
}

TEST(BadCheckpoint, OffsetsCoverTheDataOnce) {
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})"),
                  "do not lie in the 8 bytes of data");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}})"),
                  "do not lie in");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
                  "array 'a': leaves a gap");
  expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
                  "8 bytes of data, the arrays of the header have 4");
  expect_contains(
      refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32",)"
                     R"("shape":[1],"data_offsets":[4,8]}})"),
      "array 'b': overlaps");
}

TEST(BadCheckpoint, NumbersAreFinite) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()})
    expect_contains(refused_header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                                   floats({1, bad})),
                    "array 'a': element 1 is not a finite number");
}

TEST(BadCheckpoint, MissingAndOversizedFilesAreNamed) {
  EXPECT_EQ(error_of([] { read_checkpoint("/no/such.safetensors"); }),
            "/no/such.safetensors: cannot open: No such file or directory");
  const std::string path = temporary_path("huge.safetensors");
  write_file_whole(path, "", 0);
  ASSERT_EQ(::truncate(path.c_str(), (off_t{1} << 30) + 1), 0);  // sparse: takes no room
  expect_contains(error_of([&] { read_checkpoint(path); }), path + ": larger than");
  ::unlink(path.c_str());
}

/// Without the fsync of write_file_whole, which would make these tests as slow as the disk.
void write_fast(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// IDX
// -------------------------------------------------------------------------------------------------

std::string gzip(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string idx_head(std::initializer_list<std::uint32_t> shape, int type = 8) {
  std::string bytes{0, 0, static_cast<char>(type), static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  return bytes;
}

std::string write_input(const std::string& bytes) {
  const std::string path = temporary_path("input");
  write_fast(path, bytes);
  return path;
}

std::string refused_idx(const std::string& bytes) {
  const std::string path = write_input(bytes);
  const std::string message = error_of([&] { read_idx(path); });
  EXPECT_TRUE(message.starts_with(path + ": ")) << message;
  return message;
}

TEST(BadIdx, PlainAndPackedFilesReadAlike) {
  const std::string bytes = idx_head({2, 3}) + "abcdef";
  for (const std::string& form : {bytes, gzip(bytes)}) {
    const IdxArray array = read_idx(write_input(form));
    EXPECT_EQ(array.shape, (std::vector<std::uint32_t>{2, 3}));
    EXPECT_EQ(std::string(array.values.begin(), array.values.end()), "abcdef");
  }
}

TEST(BadIdx, EveryTruncationIsRefused) {
  std::string noise;
  for (unsigned i = 0; i < 400; ++i) noise += static_cast<char>(i * i * 2654435761u >> 13);
  const std::string plain = idx_head({20, 20}) + noise;
  const std::string packed = gzip(plain);
  const std::string path = temporary_path("cut");
  for (const std::string& whole : {plain, packed})
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      write_fast(path, whole.substr(0, bytes));
      EXPECT_THROW(read_idx(path), Error) << bytes << " of " << whole.size();
    }
}

TEST(BadIdx, HeadersAreChecked) {
  expect_contains(refused_idx(""), "is no IDX file");
  expect_contains(refused_idx("PNG! and more"), "is no IDX file");
  expect_contains(refused_idx(idx_head({2}, 0x0d) + "xxxxxxxx"), "holds type 13");
  expect_contains(refused_idx(idx_head({1, 1, 1, 1, 1}) + "x"), "has rank 5");
  expect_contains(refused_idx(idx_head({}) + "x"), "has rank 0");
  expect_contains(refused_idx(idx_head({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff})),
                  "more than 512 MiB");
  expect_contains(refused_idx(idx_head({60000, 1000, 1000})), "more than 512 MiB");
  expect_contains(refused_idx(idx_head({512u << 20})), "the file cannot hold as many");
  expect_contains(refused_idx(gzip(idx_head({512u << 20}))), "the file cannot hold as many");
  expect_contains(refused_idx(idx_head({3}) + "abcd"), "more follow");
  expect_contains(refused_idx(gzip(idx_head({100}) + "abcd")), "only 4 follow");
}

TEST(BadIdx, PackedFilesAreChecked) {
  const std::string bytes = idx_head({1000}) + std::string(1000, 'a');
  std::string packed = gzip(bytes);
  packed[packed.size() - 6] ^= 1;  // the sum of the contents
  expect_contains(refused_idx(packed), "the gzip file is corrupt");
  packed = gzip(bytes);
  packed[12] ^= 0x55;
  EXPECT_FALSE(refused_idx(packed).empty());
  // A bomb: 64 MiB of zeros behind a header that says 10; it is not unpacked further than one byte
  // beyond.
  expect_contains(refused_idx(gzip(idx_head({10}) + std::string(64u << 20, '\0'))), "more follow");
  expect_contains(error_of([] { read_idx("/no/such.gz"); }),
                  "/no/such.gz: cannot open: No such file or directory");
  expect_contains(error_of([] { read_idx(testing::TempDir()); }), "Is a directory");
}

TEST(BadIdx, DataSetsCheckWhatTheFilesHold) {
  const std::string folder = temporary_path("data");
  std::filesystem::create_directories(folder);
  const auto load = [&](const std::string& images, const std::string& labels) {
    write_fast(folder + "/t10k-images-idx3-ubyte", images);
    write_fast(folder + "/t10k-labels-idx1-ubyte", labels);
    return error_of(
        [&] { load_dataset({.name = "fashion-mnist", .split = Split::test, .path = folder}); });
  };
  const std::string images = idx_head({2, 28, 28}) + std::string(2 * 784, 'x');
  expect_contains(load(idx_head({2, 32, 28}) + std::string(2 * 896, 'x'), idx_head({2}) + "\1\2"),
                  "images-idx3-ubyte: does not hold images of 28 x 28");
  expect_contains(load(images, idx_head({3}) + "\1\2\3"),
                  "labels-idx1-ubyte: does not hold one label for each of the 2 images");
  expect_contains(load(images, idx_head({2}) + "\1\x0a"),
                  "label 10 of image 1 is not one of 0 to 9");
  std::filesystem::remove(folder + "/t10k-labels-idx1-ubyte");
  expect_contains(error_of([&] {
                    load_dataset({.name = "fashion-mnist", .split = Split::test, .path = folder});
                  }),
                  "no t10k-labels-idx1-ubyte in " + folder);
}

TEST(BadCifar, RecordsAreWholeAndLabelsKnown) {
  const std::string folder = temporary_path("data");
  std::filesystem::create_directories(folder);
  const auto load = [&](const std::string& bytes) {
    write_fast(folder + "/test_batch.bin", bytes);
    return error_of(
        [&] { load_dataset({.name = "cifar-10", .split = Split::test, .path = folder}); });
  };
  expect_contains(load(std::string(3072, 'x')),
                  "test_batch.bin: has 3072 bytes, expected records of 3073");
  expect_contains(load(""), "has 0 bytes");
  expect_contains(load(std::string(3073, '\0') + '\x0b' + std::string(3072, 'x')),
                  "test_batch.bin: label 11 of record 1");
}

// Pictures
// -------------------------------------------------------------------------------------------------

Picture noise_picture(int side, int channels) {
  Picture picture{side, side, channels, {}};
  for (unsigned i = 0; i < static_cast<unsigned>(side * side * channels); ++i)
    picture.pixels.push_back(static_cast<std::uint8_t>(i * i * 2654435761u >> 13));
  return picture;
}

std::string png_bytes(const Picture& picture) {
  const std::string path = temporary_path("a.png");
  write_png(path, picture);
  return read_file_whole(path, 1u << 20);
}

/// A scan of the first component: coefficients, and bits (Ah, Al of the JPEG standard).
jpeg_scan_info scan(int first, int last, int high, int low) {
  return {1, {0}, first, last, high, low};
}

std::string refused_picture(const std::string& bytes) {
  return error_of([&] { parse_picture(bytes.data(), bytes.size(), "a"); });
}

TEST(BadPicture, EveryTruncatedPngIsRefused) {
  const std::string whole = png_bytes(noise_picture(12, 3));
  // The last 12 bytes are the end marker; without them all pixels are there, and libpng asks for it
  // only in part.
  for (std::size_t bytes = 0; bytes + 12 < whole.size(); ++bytes) {
    const std::string cut(whole, 0, bytes);
    EXPECT_THROW(parse_picture(cut.data(), cut.size(), "a"), Error)
        << bytes << " of " << whole.size();
  }
}

TEST(BadPicture, EveryTruncatedJpegIsRefused) {
  const std::vector<jpeg_scan_info> progression{scan(0, 0, 0, 0), scan(1, 63, 0, 1),
                                                scan(1, 63, 1, 0)};
  for (const std::string& whole :
       {jpeg_bytes(noise_picture(24, 3)), jpeg_bytes(noise_picture(24, 1), progression)})
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
      const std::string cut(whole, 0, bytes);
      EXPECT_THROW(parse_picture(cut.data(), cut.size(), "a"), Error)
          << bytes << " of " << whole.size();
    }
}

TEST(BadPicture, ABrokenByteIsRefusedOrHarmless) {
  // Whatever is flipped, there is a picture of the size it says or an Error; in PNG pixels a flip
  // is always noticed.
  const std::string png = png_bytes(noise_picture(12, 3)), jpeg = jpeg_bytes(noise_picture(24, 3));
  for (const std::string& whole : {png, jpeg})
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ 0x24);
      try {
        const Picture picture = parse_picture(broken.data(), broken.size(), "a");
        EXPECT_EQ(picture.pixels.size(), static_cast<std::size_t>(picture.height) *
                                             static_cast<std::size_t>(picture.width) *
                                             static_cast<std::size_t>(picture.channels));
      } catch (const Error& error) {
        EXPECT_EQ(error.place(), "a");
      }
    }
  std::string broken = png;
  broken[png.find("IDAT") + 20] ^= 1;
  expect_contains(refused_picture(broken), "a: corrupt PNG: ");
}

TEST(BadPicture, SizesAreCheckedBeforeTheyAreBelieved) {
  std::string png = png_bytes(noise_picture(4, 3));
  const auto with_width = [&](std::uint32_t width) {
    std::string changed = png;
    for (int i = 0; i < 4; ++i)
      changed[16 + static_cast<std::size_t>(i)] = static_cast<char>(width >> (24 - 8 * i));
    const auto sum = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(changed.data()) + 12, 17));
    for (int i = 0; i < 4; ++i)
      changed[29 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (24 - 8 * i));
    return changed;
  };
  ASSERT_EQ(with_width(4), png);
  expect_contains(refused_picture(with_width(8193)),
                  "a: is 8193 x 4 with 3 channels, at most 8192 a side");
  EXPECT_FALSE(refused_picture(with_width(0)).empty());
  EXPECT_FALSE(refused_picture(with_width(0x7fffffff)).empty());

  std::string jpeg = jpeg_bytes(noise_picture(16, 3));
  const std::size_t frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg[frame + 7] = '\x20', jpeg[frame + 8] = '\x01';
  expect_contains(refused_picture(jpeg), "a: is 8193 x 16 with 3 channels");
  jpeg[frame + 7] = 0, jpeg[frame + 8] = 0;
  expect_contains(refused_picture(jpeg), "a: corrupt JPEG: ");
}

TEST(BadPicture, ScansWithoutEndAreRefused) {
  // A legal progression of one bit of one coefficient each: every scan costs a pass over the whole
  // picture.
  std::vector<jpeg_scan_info> scans{scan(0, 0, 0, 0)};
  for (int coefficient = 1; coefficient < 64; ++coefficient) {
    scans.push_back(scan(coefficient, coefficient, 0, 10));
    for (int bit = 10; bit > 0; --bit)
      scans.push_back(scan(coefficient, coefficient, bit, bit - 1));
  }
  ASSERT_GT(scans.size(), 500u);
  expect_contains(refused_picture(jpeg_bytes(noise_picture(16, 1), scans)),
                  "corrupt JPEG: more than 500 scans");
  scans.resize(400);
  const std::string fewer = jpeg_bytes(noise_picture(16, 1), scans);
  EXPECT_EQ(parse_picture(fewer.data(), fewer.size(), "a").height, 16);
}

TEST(BadPicture, FilesAreNamed) {
  EXPECT_EQ(error_of([] { read_picture("/no/a.png"); }),
            "/no/a.png: cannot open: No such file or directory");
  const std::string path = write_input("no picture at all");
  EXPECT_EQ(error_of([&] { read_picture(path); }), path + ": is neither a PNG nor a JPEG file");
}

// Disks
// -------------------------------------------------------------------------------------------------

TEST(BadDisk, AnUnwritableFolderIsNamedAndTheOldFileStays) {
  const std::string folder = temporary_path("folder"), path = folder + "/a.json";
  std::filesystem::create_directories(folder);
  write_file_whole(path, "old", 3);
  ASSERT_EQ(::chmod(folder.c_str(), 0555), 0);
  const bool root = ::geteuid() == 0;  // who may write anywhere: another user does it then
  if (root && ::seteuid(65534) != 0) GTEST_SKIP() << "root here cannot become another user";
  const std::string message = error_of([&] { write_file_whole(path, "new", 3); });
  if (root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  EXPECT_EQ(message, path + ": cannot write: Permission denied");
  EXPECT_EQ(read_file_whole(path, 10), "old");
}

TEST(BadDisk, AFullDiskIsNamedAndTheOldFileStays) {
  const std::string folder = temporary_path("disk"), path = folder + "/model.safetensors";
  std::filesystem::create_directories(folder);
  if (::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small disk needs root: " << std::strerror(errno);
  Checkpoint checkpoint;
  checkpoint.arrays = {{"a", {4}, {1, 2, 3, 4}}};
  write_checkpoint(path, checkpoint);
  checkpoint.arrays = {{"a", {100000}, std::vector<float>(100000, 1.0f)}};
  const std::string message = error_of([&] { write_checkpoint(path, checkpoint); });
  const std::size_t kept = read_checkpoint(path).arrays.at(0).values.size();
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++files;
  EXPECT_EQ(::umount(folder.c_str()), 0);
  EXPECT_EQ(message, path + ": cannot write: No space left on device");
  EXPECT_EQ(kept, 4u);
  EXPECT_EQ(files, 1u);
}

}  // namespace
}  // namespace semwave
