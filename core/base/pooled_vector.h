// Memory of a pass. A pass makes thousands of tensors and lists of a few sizes; asking the system
// for each would cost more than filling them. Every worker keeps the blocks it has freed (its
// arena): in steady state a shard takes no memory from the heap, no lock and no system call
// (tests/experiment/run/steady_state_test.cpp counts).
//
// Two size classes a doubling; a free list per thread, one shared list behind them. Small blocks
// are cut from slabs in huge pages (training walks over hundreds of MiB, and its strides would miss
// the TLB) and are kept for the next pass; of large ones a bounded number is kept. A block may be
// given back by another thread than the one that took it.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace semwave {

/// At least `bytes` bytes, aligned to 64, contents unspecified. Throws std::bad_alloc.
void* take_block(std::size_t bytes);
/// `bytes`: as it was asked for.
void give_block(void* block, std::size_t bytes) noexcept;

template <class T>
struct BlockAllocator {
  using value_type = T;
  BlockAllocator() = default;
  template <class U>
  BlockAllocator(const BlockAllocator<U>&) {}  // NOLINT: an allocator converts
  // NOLINTBEGIN(bugprone-sizeof-expression): T may be a pointer
  T* allocate(std::size_t count) { return static_cast<T*>(take_block(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) noexcept { give_block(block, count * sizeof(T)); }
  // NOLINTEND(bugprone-sizeof-expression)
  bool operator==(const BlockAllocator&) const { return true; }
};

/// The vector of everything that is made anew for each shard: indices, plans, bits, symbols,
/// results.
template <class T>
using PooledVector = std::vector<T, BlockAllocator<T>>;

template <class T, class... Arguments>
std::shared_ptr<T> make_block_shared(Arguments&&... arguments) {
  return std::allocate_shared<T>(BlockAllocator<T>(), std::forward<Arguments>(arguments)...);
}

}  // namespace semwave
