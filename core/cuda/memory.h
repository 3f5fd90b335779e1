// Memory of the CUDA device, taken and given back in the order of the one stream on which
// everything is enqueued. The driver's pool keeps what is freed, so a steady pass asks the system
// for nothing.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <memory>
#include <span>

#include "core/cuda/check.h"
#include "core/tensor/tensor.h"

namespace semwave::cuda {

class Stream {
 public:
  Stream();  // on device 0; throws Error
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }  // NOLINT: it is one
  /// Waits for everything enqueued.
  void synchronise() const { check(cudaStreamSynchronize(stream_), "waiting for the device"); }

 private:
  cudaStream_t stream_ = nullptr;
};

using StreamPtr = std::shared_ptr<const Stream>;

/// The stream of this process: all backends and the channel's kernels share it, so the device works
/// in the order of the calls and memory that is given back may be taken by whatever is enqueued
/// next. Any thread. Throws Error where no device is found.
StreamPtr stream();

/// At least `bytes` bytes, contents unspecified; holds the stream. Throws Error where the device
/// has no such memory left.
std::shared_ptr<Buffer> make_buffer(const StreamPtr& stream, std::size_t bytes);

void copy_to_device(void* to, const void* from, std::size_t bytes, cudaStream_t stream);
/// Waits until the numbers are there.
void copy_to_host(void* to, const void* from, std::size_t bytes, const Stream& stream);

/// Scratch memory of one call: what is enqueued while it lives may use it.
template <class T>
class Scratch {
 public:
  Scratch(const StreamPtr& stream, std::int64_t count)
      : buffer_(make_buffer(stream, static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() const { return static_cast<T*>(buffer_->data); }

 private:
  std::shared_ptr<Buffer> buffer_;
};

/// A host list for the kernels of one call. The list may go as soon as this is made: memory that is
/// not page-locked is staged.
template <class T>
class Upload {
 public:
  Upload(const StreamPtr& stream, std::span<const T> list)
      : scratch_(stream, static_cast<std::int64_t>(list.size())) {
    copy_to_device(scratch_.data(), list.data(), list.size_bytes(), *stream);
  }
  const T* data() const { return scratch_.data(); }

 private:
  Scratch<T> scratch_;
};

inline float* data_or_null(const Tensor& x) {
  return x.defined() ? x.data() : nullptr;
}

}  // namespace semwave::cuda
