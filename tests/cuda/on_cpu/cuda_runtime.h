// Stands in for NVIDIA's header of this name: the part of CUDA that core/cuda and phy/signal/cuda
// use, executed on the processor, so that the very same .cu files are compiled as plain C++, run
// under the sanitizers and compared with the reference where there is no GPU.
//
// A block's threads are fibers. They run one after another from barrier to barrier, in an order
// that changes from launch to launch (as that of the blocks does), so a missing barrier shows as a
// wrong number. A barrier or shuffle that not all threads reach and threads that wait at different
// lines end the program with a message; a grid beyond the limits of a device is an error.
// Everything is done when a call returns: the asynchrony of a stream is not imitated, nor are
// caches, timing, and the last bits of the device's mathematical functions.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// One block runs at a time, so a block's shared memory may be a static; not thread-local, so that
// AddressSanitizer guards its ends.
#define __shared__ static

struct dim3 {
  unsigned int x = 1, y = 1, z = 1;
  dim3(unsigned int x_ = 1, unsigned int y_ = 1, unsigned int z_ = 1) : x(x_), y(y_), z(z_) {}
};

inline dim3 threadIdx, blockIdx, blockDim, gridDim;  // of the thread that runs

namespace cuda_on_cpu {

/// Runs `thread` for every thread of every block; one launch at a time.
void run(dim3 grid, dim3 block, const std::function<void()>& thread);
void wait_for_block(int line);
/// The bits that lane `lane ^ distance` of this warp brought.
std::uint64_t exchange(std::uint64_t bits, unsigned int mask, int distance, int line);
/// Pieces of device memory that were taken and not yet given back.
std::int64_t pieces_in_use();

/// While one lives, the device's memory can be reached by kernels and copies alone: whoever reads a
/// tensor of the device as if it were the host's ends there, as with a device. (It costs system
/// calls, so not always; nothing under AddressSanitizer.)
struct Guard {
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
};

template <class Number>
Number shuffle_xor(unsigned int mask, Number x, int distance, int line) {
  static_assert(sizeof(Number) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  __builtin_memcpy(&bits, &x, sizeof(Number));
  bits = exchange(bits, mask, distance, line);
  __builtin_memcpy(&x, &bits, sizeof(Number));
  return x;
}

}  // namespace cuda_on_cpu

#define __syncthreads() ::cuda_on_cpu::wait_for_block(__LINE__)
#define __shfl_xor_sync(mask, x, distance) ::cuda_on_cpu::shuffle_xor(mask, x, distance, __LINE__)

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorNoDevice = 100
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold };
using cudaStream_t = struct cuda_on_cpu_stream*;
using cudaMemPool_t = struct cuda_on_cpu_pool*;

struct cudaDeviceProp {
  char name[256];
  int major, minor;
  std::size_t totalGlobalMem;
};

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  const auto within = [](dim3 extent, unsigned int x, unsigned int y, unsigned int z) {
    return extent.x > 0 && extent.y > 0 && extent.z > 0 && extent.x <= x && extent.y <= y &&
           extent.z <= z;
  };
  if (!within(config->gridDim, 0x7fffffffu, 65535, 65535) ||
      !within(config->blockDim, 1024, 1024, 64))
    return cudaErrorInvalidValue;
  if (config->blockDim.x * config->blockDim.y * config->blockDim.z > 1024 ||
      config->stream == nullptr)
    return cudaErrorInvalidValue;
  cuda_on_cpu::run(config->gridDim, config->blockDim,
                   [&] { kernel(static_cast<Parameters>(arguments)...); });
  return cudaSuccess;
}

const char* cudaGetErrorString(cudaError_t status);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaStreamCreate(cudaStream_t* stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* data, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream);
