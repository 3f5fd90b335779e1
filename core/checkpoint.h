// Checkpoints are safetensors files: an 8-byte little-endian header length, a JSON header, the numbers. They load in Python with
// the `safetensors` package. Read with every size checked; written whole (temporary file, fsync, rename).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace semwave {

struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct Checkpoint {
  std::map<std::string, std::string> metadata;
  std::vector<NamedArray> arrays;   // in the order of the file
  std::string sha256;               // of the file's bytes; set by read_checkpoint
  const NamedArray* find(const std::string& name) const;
};

/// F32 only (F16 and BF16 are widened). Throws Error on anything truncated, overlapping, oversized, or not finite.
Checkpoint read_checkpoint(const std::string& path);
Checkpoint parse_checkpoint(const void* data, std::size_t bytes, const std::string& place);
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Writes a file whole: temporary file beside it, fsync, rename. Throws Error naming the path and the system's reason; an old file stays.
void write_file_whole(const std::string& path, const void* data, std::size_t bytes);

}  // namespace semwave
