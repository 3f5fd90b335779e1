// Buffers of the CPU, from the cache of blocks (core/base/pooled_vector.h).
#pragma once

#include <cstddef>
#include <memory>

#include "core/tensor/tensor.h"

namespace semwave::cpu {

/// At least `bytes` bytes, 64-byte aligned, contents unspecified. Thread-safe. Throws
/// std::bad_alloc.
std::shared_ptr<Buffer> make_buffer(std::size_t bytes);

}  // namespace semwave::cpu
