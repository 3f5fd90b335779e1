// The machine behind the stand-in for cuda_runtime.h: fibers for the threads of a block, malloc for the device's memory.
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

struct cuda_on_cpu_stream {};
struct cuda_on_cpu_pool {};

namespace cuda_on_cpu {
namespace {

constexpr std::size_t stack_bytes = 128 * 1024;
constexpr unsigned int lanes = 32;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "cuda_on_cpu: %s (block %u %u %u, thread %u %u %u)\n", what, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
  std::abort();
}

}  // namespace

#if defined(__x86_64__)
// A switch keeps what the calling convention asks a function to keep, and nothing else: no system call, as swapcontext makes two.
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
    // As if `entry` had been called: six registers to restore, its address to return to, and the stack aligned as at a call.
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
  std::mutex one_launch_at_a_time;
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

/// Lets a group of threads go on if all of them wait in `state`; they must wait at one line. Returns whether they did.
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

void run_block(Machine& m, bool backward) {
  for (unsigned int t = 0; t < m.threads; ++t) {
    Fiber& fiber = m.fibers[t];
    fiber.context.start(fiber.stack.get(), fiber_main);
    fiber.state = State::ready;
    fiber.index = dim3(t % blockDim.x, t / blockDim.x % blockDim.y, t / blockDim.x / blockDim.y);
  }
  while (true) {
    bool progress = false, done = true;
    for (unsigned int i = 0; i < m.threads; ++i) {
      Fiber& fiber = m.fibers[backward ? m.threads - 1 - i : i];
      if (fiber.state != State::ready) continue;
      m.current = &fiber;
      threadIdx = fiber.index;
      m.scheduler.switch_to(fiber.context);
      progress = true;
    }
    for (unsigned int t = 0; t < m.threads; t += lanes)
      if (release(&m.fibers[t], std::min(lanes, m.threads - t), State::in_warp)) progress = true;
    if (release(m.fibers.data(), m.threads, State::at_block_barrier)) progress = true;
    for (unsigned int t = 0; t < m.threads; ++t) done = done && m.fibers[t].state == State::done;
    if (done) return;
    if (!progress) fail("a barrier or shuffle that some threads do not reach");
  }
}

std::atomic<std::int64_t> pieces{0};
cuda_on_cpu_stream the_stream;

}  // namespace

void run(dim3 grid, dim3 block, const std::function<void()>& thread) {
  Machine& m = machine();
  const std::lock_guard lock(m.one_launch_at_a_time);
  m.threads = block.x * block.y * block.z;
  if (m.fibers.size() < m.threads) m.fibers = std::vector<Fiber>(m.threads);
  m.thread = &thread;
  gridDim = grid;
  blockDim = block;
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y * grid.z, order = m.launches++;
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const std::uint64_t b = order / 2 % 2 ? blocks - 1 - i : i;
    blockIdx = dim3(static_cast<unsigned int>(b % grid.x), static_cast<unsigned int>(b / grid.x % grid.y), static_cast<unsigned int>(b / grid.x / grid.y));
    run_block(m, order % 2);
  }
}

void wait_for_block(int line) {
  machine().current->line = line;
  leave(State::at_block_barrier);
}

std::uint64_t exchange(std::uint64_t bits, unsigned int mask, int distance, int line) {
  Fiber& fiber = *machine().current;
  if (mask != 0xffffffffu || distance <= 0 || distance >= static_cast<int>(lanes) || machine().threads % lanes != 0) fail("a shuffle within a part of a warp");
  fiber.bits = bits;
  fiber.distance = distance;
  fiber.line = line;
  leave(State::in_warp);
  return fiber.taken;
}

std::int64_t pieces_in_use() { return pieces; }

}  // namespace cuda_on_cpu

const char* cudaGetErrorString(cudaError_t status) {
  return status == cudaSuccess ? "no error" : status == cudaErrorMemoryAllocation ? "out of memory" : status == cudaErrorNoDevice ? "no device" : "invalid value";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::snprintf(properties->name, sizeof(properties->name), "CUDA on the processor");
  properties->major = 8;
  properties->minor = 0;
  properties->totalGlobalMem = std::size_t{1} << 32;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int) {
  *pool = nullptr;
  return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  *stream = &cuda_on_cpu::the_stream;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t) {
  *data = bytes > (std::size_t{1} << 32) ? nullptr : std::malloc(bytes);
  if (*data == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*data, 0xff, bytes);  // not a number, as float
  ++cuda_on_cpu::pieces;
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t) {
  std::free(data);
  --cuda_on_cpu::pieces;
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
