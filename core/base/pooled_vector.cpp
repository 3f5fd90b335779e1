// The cache of freed blocks.
#include "core/base/pooled_vector.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace semwave {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t smallest_slab = std::size_t{4} << 20, largest_slab = std::size_t{64} << 20;
constexpr int classes = 46;  // up to 512 MiB; above, memory goes straight back to the system
constexpr std::size_t thread_limit = std::size_t{256} << 20;  // bytes a thread keeps to itself
constexpr std::size_t shared_limit =
    std::size_t{1} << 30;  // bytes of large blocks that all threads together keep besides

#if defined(__SANITIZE_ADDRESS__)
constexpr bool caching = false;  // so that the sanitizer sees the end of every block
#else
constexpr bool caching = true;
#endif

/// Smallest class that holds `bytes`, -1 above the largest: 64, 128, then 192, 256, 384, 512, ...
int class_of(std::size_t bytes) {
  if (bytes <= 128) return bytes <= 64 ? 0 : 1;
  const int octave = std::bit_width((bytes - 1) / 128) - 1;  // 0 or more: bytes > 128
  // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
  const int index = 2 + 2 * octave + (bytes > (std::size_t{192} << octave) ? 1 : 0);
  return index < classes ? index : -1;
}

std::size_t bytes_of(int index) {
  if (index < 2) return std::size_t{64} << index;
  return std::size_t{index % 2 == 0 ? 192u : 256u} << ((index - 2) / 2);
}

bool is_large(int index) {
  return bytes_of(index) > huge_page / 2;
}

void* from_system(std::size_t bytes) {
  const bool huge = bytes >= huge_page;
  void* block = ::operator new (bytes, std::align_val_t{huge ? huge_page : alignment});
#if defined(__linux__)
  if (huge) madvise(block, bytes, MADV_HUGEPAGE);  // a wish: without it everything works, slower
#endif
  return block;
}

void to_system(void* block, std::size_t bytes) {
  ::operator delete (block, std::align_val_t{bytes >= huge_page ? huge_page : alignment});
}

/// Free blocks by class, up to a number of bytes; a free block's first word points to the next of
/// its class.
class FreeLists {
 public:
  explicit FreeLists(std::size_t limit) : limit_(limit) {}
  void* take(int index) {
    Free*& list = lists_[static_cast<std::size_t>(index)];
    if (list == nullptr) return nullptr;
    Free* block = list;
    list = block->next;
    held_ -= bytes_of(index);
    return block;
  }
  bool give(int index, void* block) {
    if (held_ + bytes_of(index) > limit_) return false;
    Free*& list = lists_[static_cast<std::size_t>(index)];
    list = new (block) Free{list};
    held_ += bytes_of(index);
    return true;
  }
  template <class Give>
  void drain(Give&& to) {
    for (int index = 0; index < classes; ++index)
      while (void* block = take(index)) to(index, block);
  }

 private:
  struct Free {
    Free* next;
  };
  std::array<Free*, classes> lists_{};
  std::size_t limit_;
  std::size_t held_ = 0;
};

struct Shared {
  std::mutex mutex;  // guards all of it
  FreeLists small{std::numeric_limits<std::size_t>::max()}, large{shared_limit};
  std::byte* slab = nullptr;
  std::size_t left = 0, next_slab = smallest_slab;

  FreeLists& of(int index) { return is_large(index) ? large : small; }
  /// A block never used before, cut from the slab.
  void* cut(std::size_t bytes) {
    if (left < bytes) {  // what is left of the old slab is lost: less than one block
      slab = static_cast<std::byte*>(from_system(next_slab));
      left = next_slab;
      next_slab = std::min(largest_slab, 2 * next_slab);
    }
    void* block = slab;
    slab += bytes;
    left -= bytes;
    return block;
  }
};

Shared& shared() {
  static Shared* made =
      new Shared;  // never destroyed: blocks may be given back while the program ends
  return *made;
}

void give_shared(int index, void* block) {
  {
    const std::lock_guard lock(shared().mutex);
    if (shared().of(index).give(index, block)) return;
  }
  to_system(block, bytes_of(index));
}

thread_local bool thread_ended = false;

struct ThreadLists {
  FreeLists lists{thread_limit};
  ~ThreadLists() {
    thread_ended = true;
    lists.drain(give_shared);
  }
};

FreeLists& thread_lists() {
  thread_local ThreadLists lists;
  return lists.lists;
}

}  // namespace

void* take_block(std::size_t bytes) {
  const int index = caching ? class_of(bytes) : -1;
  if (index < 0) return from_system(bytes);
  if (!thread_ended) {
    if (void* block = thread_lists().take(index)) return block;
  }
  {
    const std::lock_guard lock(shared().mutex);
    if (void* block = shared().of(index).take(index)) return block;
    if (!is_large(index)) return shared().cut(bytes_of(index));
  }
  return from_system(bytes_of(index));
}

void give_block(void* block, std::size_t bytes) noexcept {
  const int index = caching ? class_of(bytes) : -1;
  if (index < 0) return to_system(block, bytes);
  if (thread_ended || !thread_lists().give(index, block)) give_shared(index, block);
}

}  // namespace semwave
