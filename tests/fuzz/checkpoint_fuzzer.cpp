// Any bytes as a checkpoint: an Error, or arrays that survive being written and read again. Nothing
// else, no read beyond the bytes.
#include <cstdint>

#include "core/base/error.h"
#include "core/tensor/checkpoint.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  semwave::Checkpoint read;
  try {
    read = semwave::parse_checkpoint(data, bytes, "x");
  } catch (const semwave::Error&) {
    return 0;
  }
  const std::string written = semwave::checkpoint_bytes(read, "x");
  const semwave::Checkpoint again =
      semwave::parse_checkpoint(written.data(), written.size(), "written");
  require(again.metadata == read.metadata && again.arrays.size() == read.arrays.size(),
          "what was written reads back");
  for (const semwave::NamedArray& array : read.arrays) {
    const semwave::NamedArray* found = again.find(array.name);
    require(found != nullptr && found->shape == array.shape && found->values == array.values,
            "an array reads back");
  }
  require(semwave::checkpoint_bytes(again, "x") == written, "equal contents give equal bytes");
  return 0;
}
