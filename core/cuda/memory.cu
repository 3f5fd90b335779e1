// The stream of the process, and buffers from the driver's stream-ordered pool.
#include "core/cuda/memory.h"

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace semwave::cuda {

Stream::Stream() {
  check(cudaSetDevice(0), "choosing the device");
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, 0), "finding the memory pool");
  std::uint64_t keep_everything = UINT64_MAX;
  check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep_everything),
        "setting up the memory pool");
  check(cudaStreamCreate(&stream_), "making a stream");
}

Stream::~Stream() {
  // At the program's end the driver may be gone already; then there is nothing left to give back.
  (void)cudaStreamSynchronize(stream_);
  (void)cudaStreamDestroy(stream_);
}

StreamPtr stream() {
  static std::mutex mutex;
  static std::weak_ptr<const Stream> shared;
  const std::lock_guard lock(mutex);
  StreamPtr made = shared.lock();
  if (!made) {
    made = std::make_shared<const Stream>();
    shared = made;
  }
  return made;
}

std::shared_ptr<Buffer> make_buffer(const StreamPtr& stream, std::size_t bytes) {
  void* data = nullptr;
  check(cudaMallocAsync(&data, std::max<std::size_t>(bytes, 16), *stream),
        "taking memory of the device (smaller shards need less)");
  return std::shared_ptr<Buffer>(new Buffer{data, bytes, DeviceKind::cuda},
                                 [stream](Buffer* buffer) {
                                   (void)cudaFreeAsync(buffer->data, *stream);
                                   delete buffer;
                                 });
}

void copy_to_device(void* to, const void* from, std::size_t bytes, cudaStream_t stream) {
  if (bytes > 0)
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream),
          "copying to the device");
}

void copy_to_host(void* to, const void* from, std::size_t bytes, const Stream& stream) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream),
        "copying from the device");
  stream.synchronise();
}

}  // namespace semwave::cuda
