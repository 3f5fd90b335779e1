// The stand-in itself: it runs what is right and notices what is wrong.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/cuda/launch.h"
#include "core/cuda/memory.h"

namespace semwave::cuda {
namespace {

/// y[i] = x of the neighbour on the right, through shared memory; with or without the barrier that
/// this needs.
template <bool with_barrier>
__global__ void rotate_kernel(float* y, const float* x) {
  __shared__ float all[64];
  all[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
  if (with_barrier) __syncthreads();
  y[blockIdx.x * 64 + threadIdx.x] = all[(threadIdx.x + 1) % 64];
}

__global__ void barrier_for_some_kernel() {
  if (threadIdx.x < 32) __syncthreads();
}

__global__ void barriers_at_two_places_kernel() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void shuffle_of_half_a_warp_kernel(float* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

__global__ void sums_kernel(double* y) {
  const double sum = warp_sum(static_cast<double>(threadIdx.x + 1000 * threadIdx.y));
  if (threadIdx.x == 0) y[threadIdx.y] = sum;
}

/// Right in all of sixteen launches, which run threads and blocks in different orders.
template <bool with_barrier>
bool rotates() {
  const StreamPtr on = stream();
  std::vector<float> x(192), y(192);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  bool right = true;
  for (int launches = 0; launches < 16; ++launches) {
    const Upload<float> from(on, std::span<const float>(x));
    const Scratch<float> to(on, 192);
    launch("rotate", rotate_kernel<with_barrier>, 3, 64, *on, to.data(), from.data());
    copy_to_host(y.data(), to.data(), 192 * sizeof(float), *on);
    for (std::size_t i = 0; i < y.size(); ++i)
      right = right && y[i] == x[i / 64 * 64 + (i % 64 + 1) % 64];
  }
  return right;
}

TEST(CudaOnCpu, ABarrierIsWaitedForAndAMissingOneShows) {
  EXPECT_TRUE(rotates<true>());
  EXPECT_FALSE(rotates<false>());
}

/// Each warp reads what the other one overwrites after a shuffle; only a barrier keeps that from
/// being too early.
template <bool with_barrier>
__global__ void read_before_write_kernel(float* y) {
  __shared__ float all[64];
  all[threadIdx.x] = 1;
  __syncthreads();
  const float read = all[threadIdx.x ^ 32];
  const float sum = warp_sum(read);
  if (with_barrier) __syncthreads();
  all[threadIdx.x] = 2;
  y[threadIdx.x] = sum;
}

template <bool with_barrier>
bool reads_before_writes() {
  const StreamPtr on = stream();
  bool right = true;
  for (int launches = 0; launches < 16; ++launches) {
    const Scratch<float> to(on, 64);
    launch("read before write", read_before_write_kernel<with_barrier>, 1, 64, *on, to.data());
    float y[64];
    copy_to_host(y, to.data(), sizeof(y), *on);
    for (const float value : y) right = right && value == 32;
  }
  return right;
}

TEST(CudaOnCpu, AShuffleIsNoBarrierBetweenWarps) {
  EXPECT_TRUE(reads_before_writes<true>());
  EXPECT_FALSE(reads_before_writes<false>());
}

TEST(CudaOnCpu, EveryLaneGetsTheSumOfItsWarp) {
  const StreamPtr on = stream();
  const Scratch<double> to(on, 4);
  launch("sums", sums_kernel, 1, dim3(32, 4), *on, to.data());
  double sums[4];
  copy_to_host(sums, to.data(), sizeof(sums), *on);
  for (int w = 0; w < 4; ++w) EXPECT_EQ(sums[w], 496 + 32000 * w);
}

TEST(CudaOnCpuDeathTest, MistakesEndTheProgram) {
  const StreamPtr on = stream();
  EXPECT_DEATH(launch("x", barrier_for_some_kernel, 1, 64, *on), "do not reach");
  EXPECT_DEATH(launch("x", barriers_at_two_places_kernel, 1, 64, *on), "different lines");
  const Scratch<float> to(on, 32);
  EXPECT_DEATH(launch("x", shuffle_of_half_a_warp_kernel, 1, 32, *on, to.data()), "do not reach");
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(CudaOnCpuDeathTest, UnderGuardTheHostDoesNotReachTheDevicesMemory) {
  const StreamPtr on = stream();
  const cuda_on_cpu::Guard guard;
  const Scratch<float> x(on, 32);
  EXPECT_DEATH(*const_cast<volatile float*>(x.data()) = 1, "");
}
#endif

TEST(CudaOnCpu, LimitsOfTheDeviceAreErrors) {
  const StreamPtr on = stream();
  const Scratch<float> to(on, 192);
  EXPECT_THROW(launch("x", rotate_kernel<true>, dim3(1, 65536), 64, *on, to.data(), to.data()),
               Error);
  EXPECT_THROW(launch("x", rotate_kernel<true>, 1, 2048, *on, to.data(), to.data()), Error);
  EXPECT_THROW(Scratch<float>(on, std::int64_t{1} << 40), Error);
}

TEST(CudaOnCpu, DeviceMemoryIsGivenBack) {
  const std::int64_t before = cuda_on_cpu::pieces_in_use();
  {
    const StreamPtr on = stream();
    const Scratch<float> a(on, 3), b(on, 0);
    EXPECT_EQ(cuda_on_cpu::pieces_in_use(), before + 2);
  }
  EXPECT_EQ(cuda_on_cpu::pieces_in_use(), before);
}

}  // namespace
}  // namespace semwave::cuda
