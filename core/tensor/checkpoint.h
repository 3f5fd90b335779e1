// Checkpoints are safetensors files: an 8-byte little-endian header length, a JSON header, the
// numbers. They load in Python with the `safetensors` package. Read with every size checked;
// written whole (temporary file, fsync, rename).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/file.h"

namespace semwave {

struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

struct Checkpoint {
  std::map<std::string, std::string> metadata;
  std::vector<NamedArray> arrays;  // in the order of the file
  std::string sha256;              // of the file's bytes; set by read_checkpoint
  bool half =
      false;  // write as F16 (rounded to even; values beyond its range are an error), half the size
  const NamedArray* find(const std::string& name) const;
};

/// F32, F16 and BF16; the latter are widened. Throws Error on anything truncated, overlapping,
/// oversized, or not finite: a file of at most 1 GiB, a header of at most 16 MiB, names of at most
/// 256 bytes, rank at most 8, arrays that cover what follows the header exactly.
Checkpoint read_checkpoint(const std::string& path);
Checkpoint parse_checkpoint(const void* data, std::size_t bytes, const std::string& place);
/// Arrays are written in the order of their names, so equal contents give equal bytes; a name
/// twice, or a shape that does not match its values, is a bug. Throws Error where a value is not
/// finite (a training that diverged keeps its last good file) or the file cannot be written (see
/// write_file_whole).
void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// The bytes write_checkpoint writes; `place` is for messages.
std::string checkpoint_bytes(const Checkpoint& checkpoint, const std::string& place);

}  // namespace semwave
