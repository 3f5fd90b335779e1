// The cache of freed blocks.
#include "core/list.h"

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>

namespace semwave {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t smallest = 64;                          // bytes of class 0
constexpr int classes = 24;                                   // up to 512 MiB; above, memory goes straight back to the system
constexpr std::size_t thread_limit = std::size_t{256} << 20;  // bytes a thread keeps to itself
constexpr std::size_t shared_limit = std::size_t{1} << 30;    // bytes all threads together keep besides

#if defined(__SANITIZE_ADDRESS__)
constexpr bool caching = false;  // so that the sanitizer sees the end of every block
#else
constexpr bool caching = true;
#endif

/// Smallest class that holds `bytes`, -1 above the largest.
int class_of(std::size_t bytes) {
  if (bytes <= smallest) return 0;
  const int index = std::bit_width((bytes - 1) / smallest);
  return index < classes ? index : -1;
}

std::size_t bytes_of(int index) { return smallest << index; }

void* from_system(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{alignment}); }
void to_system(void* block) { ::operator delete(block, std::align_val_t{alignment}); }

/// Free blocks by class, up to a number of bytes; a free block's first word points to the next of its class.
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
  std::mutex mutex;
  FreeLists lists{shared_limit};
};

Shared& shared() {
  static Shared* made = new Shared;  // never destroyed: blocks may be given back while the program ends
  return *made;
}

void give_shared(int index, void* block) {
  {
    const std::lock_guard lock(shared().mutex);
    if (shared().lists.give(index, block)) return;
  }
  to_system(block);
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
    if (void* block = shared().lists.take(index)) return block;
  }
  return from_system(bytes_of(index));
}

void give_block(void* block, std::size_t bytes) noexcept {
  const int index = caching ? class_of(bytes) : -1;
  if (index < 0) return to_system(block);
  if (thread_ended || !thread_lists().give(index, block)) give_shared(index, block);
}

}  // namespace semwave
