// safetensors written and read back, and files written whole.
#include "core/tensor/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

Checkpoint small() {
  Checkpoint checkpoint;
  checkpoint.metadata = {{"semwave.architecture", R"({"dim": 4})"}, {"semwave.format", "1"}};
  checkpoint.arrays = {{"transmitter.b.weight", {2, 3}, {1, -2, 3.5f, 4, 0, 1e-40f}},
                       {"receiver.a.bias", {2}, {0.25f, -0.0f}},
                       {"scalar", {}, {7}},
                       {"none", {0, 5}, {}}};
  return checkpoint;
}

TEST(Checkpoint, ReadsBackWhatWasWritten) {
  const std::string path = temporary_path("model.safetensors");
  const Checkpoint written = small();
  write_checkpoint(path, written);
  const Checkpoint read = read_checkpoint(path);
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.arrays.size(), written.arrays.size());
  for (const NamedArray& array : written.arrays) {
    const NamedArray* found = read.find(array.name);
    ASSERT_NE(found, nullptr) << array.name;
    EXPECT_EQ(found->shape, array.shape);
    ASSERT_EQ(found->values.size(), array.values.size());
    for (std::size_t i = 0; i < array.values.size(); ++i)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(found->values[i]),
                std::bit_cast<std::uint32_t>(array.values[i]));
  }
  EXPECT_EQ(read.find("absent"), nullptr);
}

TEST(Checkpoint, FileIsSafetensorsByTheByte) {
  const std::string bytes = checkpoint_bytes(small(), "x");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  EXPECT_EQ(header_bytes % 8, 0u);
  const std::string header = bytes.substr(8, header_bytes);
  EXPECT_TRUE(header.starts_with(
      R"({"__metadata__":{"semwave.architecture":"{\"dim\": 4}","semwave.format":"1"},)"
      R"("none":{"data_offsets":[0,0],"dtype":"F32","shape":[0,5]},)"
      R"("receiver.a.bias":{"data_offsets":[0,8],"dtype":"F32","shape":[2]},)"
      R"("scalar":{"data_offsets":[8,12],"dtype":"F32","shape":[]},)"
      R"("transmitter.b.weight":{"data_offsets":[12,36],"dtype":"F32","shape":[2,3]}})"))
      << header;
  EXPECT_EQ(bytes.size(), 8 + header_bytes + 36);
  float first = 0;
  std::memcpy(&first, bytes.data() + 8 + header_bytes, 4);
  EXPECT_EQ(first, 0.25f);
}

TEST(Checkpoint, EqualContentsGiveEqualBytesAndSum) {
  Checkpoint other = small();
  std::swap(other.arrays[0], other.arrays[1]);
  const std::string bytes = checkpoint_bytes(small(), "x");
  EXPECT_EQ(bytes, checkpoint_bytes(other, "x"));
  const std::string path = temporary_path("model.safetensors");
  write_checkpoint(path, other);
  EXPECT_EQ(read_checkpoint(path).sha256, sha256(bytes.data(), bytes.size()));
  EXPECT_EQ(parse_checkpoint(bytes.data(), bytes.size(), "x").sha256, "");
}

TEST(Checkpoint, ArraysComeInTheOrderOfTheFile) {
  std::string header =
      R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],)"
      R"("data_offsets":[4,8]}})";
  const std::uint64_t header_bytes = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &header_bytes, 8);
  bytes += header + std::string("\0\0\x80\x3f\0\0\0\x40", 8);
  const Checkpoint read = parse_checkpoint(bytes.data(), bytes.size(), "x");
  ASSERT_EQ(read.arrays.size(), 2u);
  EXPECT_EQ(read.arrays[0].name, "z");
  EXPECT_EQ(read.arrays[0].values, std::vector<float>{1});
  EXPECT_EQ(read.arrays[1].values, std::vector<float>{2});
}

TEST(Checkpoint, HalvesAreWidenedExactly) {
  const auto widen = [](const char* dtype, std::uint16_t word) {
    const std::string header =
        std::string(R"({"a":{"dtype":")") + dtype + R"(","shape":[1],"data_offsets":[0,2]}})";
    const std::uint64_t header_bytes = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &header_bytes, 8);
    bytes += header;
    bytes.append(reinterpret_cast<const char*>(&word), 2);
    return parse_checkpoint(bytes.data(), bytes.size(), "x").arrays.at(0).values.at(0);
  };
  EXPECT_EQ(widen("F16", 0x3c00), 1.0f);
  EXPECT_EQ(widen("F16", 0xc500), -5.0f);
  EXPECT_EQ(widen("F16", 0x7bff), 65504.0f);
  EXPECT_EQ(widen("F16", 0x0001), 0x1p-24f);
  EXPECT_EQ(widen("F16", 0x83ff), -1023 * 0x1p-24f);
  EXPECT_EQ(widen("F16", 0x0400), 0x1p-14f);
  EXPECT_TRUE(std::signbit(widen("F16", 0x8000)));
  EXPECT_EQ(widen("BF16", 0x3f80), 1.0f);
  EXPECT_EQ(widen("BF16", 0xc0a0), -5.0f);
  expect_contains(error_of([&] { widen("F16", 0x7c00); }), "not a finite number");
  expect_contains(error_of([&] { widen("BF16", 0x7fc0); }), "not a finite number");
}

/// What a folder holds besides `path`'s own name: temporaries left behind would show here.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Checkpoint, HalvesAreTheNearestWithTiesToEven) {
  // Every finite half survives, and what lies between goes to the nearer one.
  Checkpoint checkpoint{.half = true};
  NamedArray all{"all", {}, {}};
  for (std::uint32_t word = 0; word < 0x7c00u; ++word) {
    const float value = word < 0x400u ? static_cast<float>(word) * 0x1p-24f
                                      : std::ldexp(1.0f + static_cast<float>(word & 0x3ffu) / 1024,
                                                   static_cast<int>(word >> 10) - 15);
    all.values.push_back(value);
    all.values.push_back(-value);
  }
  all.shape = {static_cast<std::int64_t>(all.values.size())};
  checkpoint.arrays = {
      all,
      {"between",
       {6},
       {1 + 0x1p-11f, 1 + 3 * 0x1p-11f, 1 + 0x1.2p-11f, 0x1p-25f, 3 * 0x1p-25f, 65503}}};
  const std::string path = temporary_path("half.safetensors");
  write_checkpoint(path, checkpoint);
  EXPECT_LT(std::filesystem::file_size(path), all.values.size() * 2 + 400);
  const Checkpoint read = read_checkpoint(path);
  EXPECT_EQ(read.find("all")->values, all.values);
  EXPECT_EQ(read.find("between")->values,
            (std::vector<float>{1, 1 + 0x1p-9f, 1 + 0x1p-10f, 0, 0x1p-23f, 65504}));

  checkpoint.arrays = {{"beyond", {1}, {65520}}};
  expect_contains(error_of([&] { write_checkpoint(path, checkpoint); }),
                  "array 'beyond' has values beyond the range of float16; write float32");
}

TEST(Checkpoint, AnArrayThatIsNotFiniteIsNotWrittenAndTheOldFileStays) {
  const std::string folder = fresh_folder("folder"), path = folder + "/model.safetensors";
  write_checkpoint(path, small());
  Checkpoint diverged = small();
  diverged.arrays[0].values[2] = std::nanf("");
  expect_contains(error_of([&] { write_checkpoint(path, diverged); }),
                  path + ": array 'transmitter.b.weight': element 2 is not a finite number");
  EXPECT_EQ(read_checkpoint(path).arrays.size(), 4u);
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"model.safetensors"});
}

TEST(WriteFileWhole, ReplacesAFileAndLeavesNothingElse) {
  const std::string folder = fresh_folder("folder"), path = folder + "/a.txt";
  write_file_whole(path, "old text", 8);
  write_file_whole(path, "new", 3);
  EXPECT_EQ(read_file_whole(path, 100), "new");
  write_file_whole(path, nullptr, 0);
  EXPECT_EQ(read_file_whole(path, 100), "");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a.txt"});
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(status.st_mode & 0777u, 0666u & ~mask);
}

TEST(WriteFileWhole, NamesTheSystemsReason) {
  const std::string folder = fresh_folder("folder");
  EXPECT_EQ(error_of([&] { write_file_whole(folder + "/no/a", "x", 1); }),
            folder + "/no/a: cannot write: No such file or directory");
  EXPECT_EQ(error_of([&] { write_file_whole(folder, "x", 1); }),
            folder + ": cannot write: Is a directory");
  // As root a rename would put a file in the place of the device.
  EXPECT_EQ(error_of([] { write_file_whole("/dev/null", "x", 1); }),
            "/dev/null: cannot write: not a regular file");
}

TEST(WriteFileWhole, AFailedWriteKeepsTheOldFileAndNoTemporary) {
  const std::string folder = fresh_folder("folder"), path = folder + "/a.txt";
  write_file_whole(path, "old", 3);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small_files = before;
  small_files.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small_files), 0);
  const std::string large(10000, 'x');
  const std::string message = error_of([&] { write_file_whole(path, large.data(), large.size()); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, path + ": cannot write: File too large");
  EXPECT_EQ(read_file_whole(path, 100), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"a.txt"});
}

}  // namespace
}  // namespace semwave
