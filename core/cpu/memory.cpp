// The cache of buffers and the scratch memory of the kernels.
#include "core/cpu/memory.h"

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "core/cpu/scratch.h"

namespace semwave::cpu {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t smallest = 128;                    // bytes of class 0
constexpr int classes = 4 * 22 + 1;                      // up to 512 MiB; above, memory goes straight back to the system
constexpr std::size_t thread_limit = std::size_t{32} << 20;   // bytes a thread keeps to itself
constexpr std::size_t shared_limit = std::size_t{1} << 30;    // bytes all threads together keep besides

#if defined(__SANITIZE_ADDRESS__)
constexpr bool caching = false;  // so that the sanitizer sees the end of every buffer
#else
constexpr bool caching = true;
#endif

/// Smallest class that holds `bytes`, -1 above the largest; classes are 4/4, 5/4, 6/4, 7/4 of a power of two.
int class_of(std::size_t bytes) {
  if (bytes <= smallest) return 0;
  const int octave = std::bit_width((bytes - 1) / smallest) - 1;
  const std::size_t quarter = (smallest << octave) / 4;
  const int index = 4 * octave + static_cast<int>((bytes - (smallest << octave) + quarter - 1) / quarter);
  return index < classes ? index : -1;
}

std::size_t bytes_of(int index) { return (smallest << (index / 4)) / 4 * static_cast<std::size_t>(4 + index % 4); }

void* from_system(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{alignment}); }
void to_system(void* block) { ::operator delete(block, std::align_val_t{alignment}); }

/// Free blocks by class, up to a number of bytes.
class FreeLists {
 public:
  explicit FreeLists(std::size_t limit) : limit_(limit) {}
  void* take(int index) {
    std::vector<void*>& list = lists_[static_cast<std::size_t>(index)];
    if (list.empty()) return nullptr;
    void* block = list.back();
    list.pop_back();
    held_ -= bytes_of(index);
    return block;
  }
  bool give(int index, void* block) {
    if (held_ + bytes_of(index) > limit_) return false;
    lists_[static_cast<std::size_t>(index)].push_back(block);
    held_ += bytes_of(index);
    return true;
  }
  template <class Take>
  void drain(Take&& to) {
    for (int index = 0; index < classes; ++index)
      while (void* block = take(index)) to(index, block);
  }

 private:
  std::array<std::vector<void*>, classes> lists_;
  std::size_t limit_;
  std::size_t held_ = 0;
};

struct Shared {
  std::mutex mutex;
  FreeLists lists{shared_limit};
};

Shared& shared() {
  static Shared* made = new Shared;  // never destroyed: buffers may be given back while the program ends
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

void* take_block(int index, std::size_t bytes) {
  if (!caching || index < 0) return from_system(bytes);
  if (!thread_ended) {
    if (void* block = thread_lists().take(index)) return block;
  }
  {
    const std::lock_guard lock(shared().mutex);
    if (void* block = shared().lists.take(index)) return block;
  }
  return from_system(bytes_of(index));
}

void give_block(int index, void* block) {
  if (!caching || index < 0) return to_system(block);
  if (thread_ended || !thread_lists().give(index, block)) give_shared(index, block);
}

/// Puts the shared_ptr's counters, the Buffer and the numbers into one block: a header of `alignment` bytes, then the numbers.
template <class T>
struct BlockAllocator {
  using value_type = T;
  std::size_t bytes;
  int index;
  BlockAllocator(std::size_t bytes_wanted, int class_index) : bytes(bytes_wanted), index(class_index) {}
  template <class U>
  BlockAllocator(const BlockAllocator<U>& other) : bytes(other.bytes), index(other.index) {}
  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= alignment);
    return static_cast<T*>(take_block(index, bytes));
  }
  void deallocate(T* block, std::size_t) { give_block(index, block); }
  bool operator==(const BlockAllocator&) const { return true; }
};

}  // namespace

std::shared_ptr<Buffer> make_buffer(std::size_t bytes) {
  const std::size_t whole = alignment + bytes;
  auto buffer = std::allocate_shared<Buffer>(BlockAllocator<Buffer>(whole, class_of(whole)));
  const std::uintptr_t header = reinterpret_cast<std::uintptr_t>(buffer.get()) & ~static_cast<std::uintptr_t>(alignment - 1);
  buffer->data = reinterpret_cast<void*>(header + alignment);
  buffer->bytes = bytes;
  buffer->device = DeviceKind::cpu;
  return buffer;
}

float* scratch(Scratch purpose, std::int64_t floats) {
  thread_local std::array<std::shared_ptr<Buffer>, static_cast<std::size_t>(Scratch::count)> buffers;
  std::shared_ptr<Buffer>& buffer = buffers[static_cast<std::size_t>(purpose)];
  const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
  if (!buffer || buffer->bytes < bytes) {
    buffer.reset();
    buffer = make_buffer(bytes + bytes / 2);
  }
  return static_cast<float*>(buffer->data);
}

}  // namespace semwave::cpu
