// The machine behind the stand-in for cuda_runtime.h: fibers for the threads of a block, malloc for
// the device's memory.
#include <cuda_runtime.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if !defined(__SANITIZE_ADDRESS__)
#include <sys/mman.h>

#include <array>
#include <bit>
#endif

struct cuda_on_cpu_stream {};
struct cuda_on_cpu_pool {};

namespace cuda_on_cpu {
namespace {

constexpr std::size_t stack_bytes = 128 * 1024;
constexpr unsigned int lanes = 32;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "cuda_on_cpu: %s (block %u %u %u, thread %u %u %u)\n", what, blockIdx.x,
               blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
  std::abort();
}

}  // namespace

#if defined(__x86_64__)
// A switch keeps what the calling convention asks a function to keep, and nothing else: no system
// call, as swapcontext makes two.
extern "C" void cuda_on_cpu_switch(void** from, void* to);
asm(R"(
.text
.type cuda_on_cpu_switch, @function
cuda_on_cpu_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_on_cpu_switch, .-cuda_on_cpu_switch
)");

struct Context {
  void* stack_pointer = nullptr;
  void start(char* stack, void (*entry)()) {
    // As if `entry` had been called: six registers to restore, its address to return to, and the
    // stack aligned as at a call.
    auto* top = reinterpret_cast<void**>(stack + stack_bytes) - 2;
    top[0] = reinterpret_cast<void*>(entry);
    top[1] = nullptr;
    stack_pointer = top - 6;
    std::memset(stack_pointer, 0, 6 * sizeof(void*));
  }
  void switch_to(Context& other) { cuda_on_cpu_switch(&stack_pointer, other.stack_pointer); }
};
#else
struct Context {
  ucontext_t context;
  void start(char* stack, void (*entry)()) {
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = stack_bytes;
    context.uc_link = nullptr;
    makecontext(&context, entry, 0);
  }
  void switch_to(Context& other) { swapcontext(&context, &other.context); }
};
#endif

namespace {

enum class State { ready, at_block_barrier, in_warp, done };

struct Fiber {
  Context context;
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
  dim3 index;
  State state = State::ready;
  int line = 0;             // where it waits
  std::uint64_t bits = 0;   // what it brings to a shuffle
  std::uint64_t taken = 0;  // what it gets
  int distance = 0;
};

struct Machine {
  std::vector<Fiber> fibers;
  unsigned int threads = 0;  // of this block
  Fiber* current = nullptr;
  Context scheduler;
  const std::function<void()>* thread = nullptr;
  std::uint64_t launches = 0;
};

Machine& machine() {
  static Machine made;
  return made;
}

void leave(State state) {
  Machine& m = machine();
  m.current->state = state;
  m.current->context.switch_to(m.scheduler);
}

void fiber_main() {
  (*machine().thread)();
  leave(State::done);
}

/// Lets a group of threads go on if all of them wait in `state`; they must wait at one line.
/// Returns whether they did.
bool release(Fiber* group, unsigned int count, State state) {
  for (unsigned int i = 0; i < count; ++i)
    if (group[i].state != state) return false;
  for (unsigned int i = 0; i < count; ++i) {
    if (group[i].line != group[0].line) fail("threads wait at different lines");
    if (state == State::in_warp) {
      if (group[i].distance != group[0].distance) fail("lanes shuffle over different distances");
      group[i].taken = group[i ^ static_cast<unsigned int>(group[i].distance)].bits;
    }
    group[i].state = State::ready;
  }
  return true;
}

/// How a launch goes through what a device would run at once.
struct Order {
  bool blocks_backward, threads_backward,
      warp_by_warp;  // one warp as far as it comes, or all of them side by side
};

/// Runs the threads of a warp until they wait or end, again if they waited for each other alone and
/// `to_the_end`. Returns whether any ran.
bool run_warp(Machine& m, unsigned int first, Order order, bool to_the_end) {
  const unsigned int count = std::min(lanes, m.threads - first);
  bool progress = false, again = true;
  while (again) {
    for (unsigned int i = 0; i < count; ++i) {
      Fiber& fiber = m.fibers[first + (order.threads_backward ? count - 1 - i : i)];
      if (fiber.state != State::ready) continue;
      m.current = &fiber;
      threadIdx = fiber.index;
      m.scheduler.switch_to(fiber.context);
      progress = true;
    }
    again = release(&m.fibers[first], count, State::in_warp) && to_the_end;
  }
  return progress;
}

void run_block(Machine& m, Order order) {
  for (unsigned int t = 0; t < m.threads; ++t) {
    Fiber& fiber = m.fibers[t];
    fiber.context.start(fiber.stack.get(), fiber_main);
    fiber.state = State::ready;
    fiber.index = dim3(t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y);
  }
  const unsigned int warps = (m.threads + lanes - 1) / lanes;
  while (true) {
    bool progress = false, done = true;
    for (unsigned int w = 0; w < warps; ++w)
      if (run_warp(m, (order.threads_backward ? warps - 1 - w : w) * lanes, order,
                   order.warp_by_warp))
        progress = true;
    if (release(m.fibers.data(), m.threads, State::at_block_barrier)) progress = true;
    for (unsigned int t = 0; t < m.threads; ++t) done = done && m.fibers[t].state == State::done;
    if (done) return;
    if (!progress) fail("a barrier or shuffle that some threads do not reach");
  }
}

std::atomic<std::int64_t> pieces{0};
std::atomic<int> guards{0};
cuda_on_cpu_stream the_stream;
constexpr std::size_t memory_bytes = std::size_t{1} << 32;

#if defined(__SANITIZE_ADDRESS__)
// Each piece comes from malloc, so that a kernel which leaves its piece is seen.
class DeviceMemory {
 public:
  void* take(std::size_t bytes) { return std::malloc(bytes); }
  void give(void* piece) { std::free(piece); }
  void open() {}
  void close() {}
};
#else
// One range of addresses, so that it can be guarded. Pieces of powers of two, a free list each; a
// piece's size stands before it.
class DeviceMemory {
 public:
  DeviceMemory()
      : begin_(static_cast<char*>(mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))),
        next_(begin_) {
    static_assert(sizeof(std::size_t) <= header);
    if (begin_ == MAP_FAILED) fail("no addresses for the device's memory");
  }
  void* take(std::size_t bytes) {
    const auto power = static_cast<std::size_t>(std::bit_width(bytes + header - 1));
    std::vector<char*>& list = free_[power];
    char* piece = nullptr;
    if (!list.empty()) {
      piece = list.back();
      list.pop_back();
    } else if (static_cast<std::size_t>(begin_ + memory_bytes - next_) >= std::size_t{1} << power) {
      piece = next_;
      next_ += std::size_t{1} << power;
      if (guards > 0) open();
    } else {
      return nullptr;
    }
    std::memcpy(piece, &power, sizeof(power));
    return piece + header;
  }
  void give(void* data) {
    char* piece = static_cast<char*>(data) - header;
    std::size_t power = 0;
    std::memcpy(&power, piece, sizeof(power));
    free_[power].push_back(piece);
  }
  void open() { protect(PROT_READ | PROT_WRITE); }
  void close() { protect(PROT_NONE); }

 private:
  void protect(int how) {
    mprotect(begin_, (static_cast<std::size_t>(next_ - begin_) + page - 1) / page * page, how);
  }

  static constexpr std::size_t page = 64 * 1024;  // or a part of it
  static constexpr std::size_t header = 64;
  char *begin_, *next_;
  std::array<std::vector<char*>, 64> free_;
};
#endif

/// While it lives, its thread alone uses the device, and the memory can be reached.
class Use {
 public:
  Use() : lock_(mutex()) {
    if (guards > 0) memory().open();
  }
  ~Use() {
    if (guards > 0) memory().close();
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  static DeviceMemory& memory() {
    static auto* made =
        new DeviceMemory;  // never destroyed: tensors may be given back while the program ends
    return *made;
  }

 private:
  static std::mutex& mutex() {
    static std::mutex made;
    return made;
  }
  std::lock_guard<std::mutex> lock_;
};

}  // namespace

void run(dim3 grid, dim3 block, const std::function<void()>& thread) {
  const Use use;
  Machine& m = machine();
  m.threads = block.x * block.y * block.z;
  if (m.fibers.size() < m.threads) m.fibers = std::vector<Fiber>(m.threads);
  m.thread = &thread;
  gridDim = grid;
  blockDim = block;
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z,
                      mixed = m.launches++ * 0x9e3779b97f4a7c15u >> 61;
  const Order order{(mixed & 1) != 0, (mixed & 2) != 0, (mixed & 4) != 0};
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const std::uint64_t b = order.blocks_backward ? blocks - 1 - i : i;
    blockIdx =
        dim3(static_cast<unsigned int>(b % grid.x), static_cast<unsigned int>(b / grid.x % grid.y),
             static_cast<unsigned int>(b / grid.x / grid.y));
    run_block(m, order);
  }
}

void wait_for_block(int line) {
  machine().current->line = line;
  leave(State::at_block_barrier);
}

std::uint64_t exchange(std::uint64_t bits, unsigned int mask, int distance, int line) {
  Fiber& fiber = *machine().current;
  if (mask != 0xffffffffu || distance <= 0 || distance >= static_cast<int>(lanes) ||
      machine().threads % lanes != 0)
    fail("a shuffle within a part of a warp");
  fiber.bits = bits;
  fiber.distance = distance;
  fiber.line = line;
  leave(State::in_warp);
  return fiber.taken;
}

std::int64_t pieces_in_use() {
  return pieces;
}

Guard::Guard() {
  const Use use;  // closes, since from here on there is a guard
  ++guards;
}

Guard::~Guard() {
  const Use use;  // opens, and does not close
  --guards;
}

}  // namespace cuda_on_cpu

const char* cudaGetErrorString(cudaError_t status) {
  return status == cudaSuccess                 ? "no error"
         : status == cudaErrorMemoryAllocation ? "out of memory"
         : status == cudaErrorNoDevice         ? "no device"
                                               : "invalid value";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::snprintf(properties->name, sizeof(properties->name), "CUDA on the processor");
  properties->major = 8;
  properties->minor = 0;
  properties->totalGlobalMem = cuda_on_cpu::memory_bytes;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) {
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  return device == 0 ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = &cuda_on_cpu::the_stream;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t) {
  const cuda_on_cpu::Use use;
  *data = bytes > cuda_on_cpu::memory_bytes ? nullptr : use.memory().take(bytes);
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*data, 0xff, bytes);  // not a number, as float
  ++cuda_on_cpu::pieces;
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t) {
  const cuda_on_cpu::Use use;
  use.memory().give(data);
  --cuda_on_cpu::pieces;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  const cuda_on_cpu::Use use;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  const cuda_on_cpu::Use use;
  std::memset(to, value, bytes);
  return cudaSuccess;
}
