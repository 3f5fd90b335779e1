// How kernels are started: one typed call, checked, with nothing in it that only nvcc reads. So
// tests/cuda/on_cpu can stand in for cuda_runtime.h, compile the same .cu files as plain C++ and
// run their grids on the processor.
#pragma once

#include <cuda_runtime.h>

#include <cassert>
#include <cstdint>
#include <type_traits>

#include "core/cuda/check.h"

namespace semwave::cuda {

/// Blocks of `size` that cover `count`.
inline unsigned int blocks_of(std::int64_t count, std::int64_t size) {
  const std::int64_t blocks = (count + size - 1) / size;
  assert(blocks <= 0x7fffffff);
  return static_cast<unsigned int>(blocks);
}

/// Starts `kernel` on `stream`; an empty grid is legal and starts nothing. Throws Error where the
/// start fails.
template <class... Parameters>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            cudaStream_t stream, std::type_identity_t<Parameters>... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}

template <class Body>
__global__ void for_each_kernel(std::int64_t count, Body body) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i < count) body(i);
}

/// body(0), ..., body(count - 1), one thread each.
template <class Body>
void for_each(const char* name, cudaStream_t stream, std::int64_t count, Body body) {
  constexpr unsigned int threads = 256;
  launch(name, for_each_kernel<Body>, blocks_of(count, threads), threads, stream, count, body);
}

constexpr int warp_size = 32;
constexpr unsigned int warps_per_block = 4;

template <class Body>
__global__ void for_each_warp_kernel(std::int64_t count, Body body) {
  const std::int64_t i = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (i < count) body(i, static_cast<int>(threadIdx.x));
}

/// body(i, lane) for i below `count`, a warp each: what works on a row.
template <class Body>
void for_each_warp(const char* name, cudaStream_t stream, std::int64_t count, Body body) {
  launch(name, for_each_warp_kernel<Body>, blocks_of(count, warps_per_block),
         dim3(warp_size, warps_per_block), stream, count, body);
}

/// Sum over the lanes of a warp by halves; every lane gets the same bits.
template <class Number>
__device__ inline Number warp_sum(Number x) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}

__device__ inline float warp_maximum(float x) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

}  // namespace semwave::cuda
