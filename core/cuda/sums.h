// Sums over many rows in parts: each part of the rows is summed by itself, then the parts are added
// in ascending order. So a sum is spread over the device and is still the same every time.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/cuda/launch.h"
#include "core/cuda/memory.h"

namespace semwave::cuda {

/// How many parts, of how many rows each. A function of the shapes alone.
struct Parts {
  std::int64_t count = 0;
  std::int64_t rows = 0;
};

/// At most so many parts that `blocks_per_part` of them fill a large device, of at least 256 rows
/// each.
inline Parts parts_of(std::int64_t rows, std::int64_t blocks_per_part) {
  constexpr std::int64_t blocks_wanted = 512, smallest = 256;
  if (rows == 0) return {};
  const std::int64_t most =
      std::max<std::int64_t>(1, blocks_wanted / std::max<std::int64_t>(1, blocks_per_part));
  const std::int64_t size = std::max(smallest, (rows + most - 1) / most);
  return {(rows + size - 1) / size, size};
}

/// to[i] += sum of parts[p][i] over p, ascending.
inline void add_parts(float* to /*[size]*/, const float* parts /*[count, stride]*/,
                      std::int64_t size, std::int64_t count, std::int64_t stride,
                      cudaStream_t stream) {
  for_each("sum of parts", stream, size, [=] __device__(std::int64_t i) {
    float sum = 0.0f;
    for (std::int64_t p = 0; p < count; ++p) sum += parts[p * stride + i];
    to[i] += sum;
  });
}

/// loss[0] += scale times the sum of the terms, in an order given by their count alone.
void add_sum(float* loss /*[1]*/, const double* terms /*[count]*/, std::int64_t count, float scale,
             cudaStream_t stream);

}  // namespace semwave::cuda
