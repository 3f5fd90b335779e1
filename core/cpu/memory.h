// Buffers from a cache: a pass makes thousands of tensors of a few sizes, and asking the system for each would cost
// more than filling them. Size classes (four per doubling), a free list per thread, one shared list behind them, both
// bounded. A buffer may be given back by another thread than the one that took it.
#pragma once

#include <cstddef>
#include <memory>

#include "core/tensor.h"

namespace semwave::cpu {

/// At least `bytes` bytes, 64-byte aligned, contents unspecified. Thread-safe. Throws std::bad_alloc.
std::shared_ptr<Buffer> make_buffer(std::size_t bytes);

}  // namespace semwave::cpu
