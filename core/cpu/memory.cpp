// Buffers and the scratch memory of the kernels, both from the thread's cache of blocks.
#include "core/cpu/memory.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/pooled_vector.h"
#include "core/cpu/scratch.h"

namespace semwave::cpu {
namespace {

constexpr std::size_t header = 64;

/// Puts the shared_ptr's counters, the Buffer and the numbers into one block: `header` bytes, then
/// the numbers.
template <class T>
struct BufferAllocator {
  using value_type = T;
  std::size_t bytes;
  explicit BufferAllocator(std::size_t bytes_of_numbers) : bytes(bytes_of_numbers) {}
  template <class U>
  BufferAllocator(const BufferAllocator<U>& other)
      : bytes(other.bytes) {}  // NOLINT: an allocator converts
  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= header);
    return static_cast<T*>(take_block(header + bytes));
  }
  void deallocate(T* block, std::size_t) noexcept { give_block(block, header + bytes); }
  bool operator==(const BufferAllocator&) const { return true; }
};

}  // namespace

std::shared_ptr<Buffer> make_buffer(std::size_t bytes) {
  auto buffer = std::allocate_shared<Buffer>(BufferAllocator<Buffer>(bytes));
  auto* const at = reinterpret_cast<std::byte*>(buffer.get());
  const std::uintptr_t past = reinterpret_cast<std::uintptr_t>(at) & std::uintptr_t{header - 1};
  buffer->data = at - past + header;
  buffer->bytes = bytes;
  buffer->device = DeviceKind::cpu;
  return buffer;
}

float* scratch(Scratch purpose, std::int64_t floats) {
  thread_local std::array<std::shared_ptr<Buffer>, static_cast<std::size_t>(Scratch::count)>
      buffers;
  std::shared_ptr<Buffer>& buffer = buffers[static_cast<std::size_t>(purpose)];
  const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
  if (!buffer || buffer->bytes < bytes) {
    buffer.reset();
    buffer = make_buffer(bytes + bytes / 2);
  }
  return static_cast<float*>(buffer->data);
}

}  // namespace semwave::cpu
