// The device, its memory as tensors, and the factory.
#include "core/cuda/backend.h"

#include "core/cuda/launch.h"

namespace semwave {

std::unique_ptr<Backend> make_cuda_backend() {
  return std::make_unique<cuda::CudaBackend>();
}

namespace cuda {
namespace {

std::size_t bytes_of(const Tensor& x) {
  return static_cast<std::size_t>(x.size()) * sizeof(float);
}

std::string name_of_device() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0)
    throw Error("device cuda",
                std::string("no CUDA device (") +
                    (status == cudaSuccess ? "none is visible" : cudaGetErrorString(status)) +
                    "); use --device cpu");
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, 0), "asking what the device is");
  const std::string name = properties.name, version = std::to_string(properties.major) + "." +
                                                      std::to_string(properties.minor);
  if (properties.major < 8)
    throw Error("device cuda",
                name + " has compute capability " + version + ", 8.0 is needed; use --device cpu");
  return name + ", compute capability " + version + ", " +
         std::to_string(properties.totalGlobalMem >> 20) + " MiB";
}

}  // namespace

CudaBackend::CudaBackend() : name_(name_of_device()) {
  stream_ = stream();
}

std::string CudaBackend::name() const {
  return name_;
}

Tensor CudaBackend::empty(Shape shape) {
  return Tensor(make_buffer(stream_, static_cast<std::size_t>(shape.size()) * sizeof(float)),
                shape);
}

Tensor CudaBackend::zeros(Shape shape) {
  const Tensor made = empty(shape);
  if (made.size() > 0)
    check(cudaMemsetAsync(made.data(), 0, bytes_of(made), *stream_), "clearing memory");
  return made;
}

Tensor CudaBackend::from_host(Shape shape, const float* values) {
  const Tensor made = empty(shape);
  copy_to_device(made.data(), values, bytes_of(made), *stream_);
  return made;
}

void CudaBackend::to_host(const Tensor& tensor, float* values) const {
  copy_to_host(values, tensor.data(), bytes_of(tensor), *stream_);
}

void CudaBackend::copy(const Tensor& to, const Tensor& from) {
  assert(to.size() == from.size());
  if (to.size() > 0)
    check(cudaMemcpyAsync(to.data(), from.data(), bytes_of(to), cudaMemcpyDeviceToDevice, *stream_),
          "copying on the device");
}

void CudaBackend::fill(const Tensor& x, float value) {
  float* to = x.data();
  for_each("fill", *stream_, x.size(), [=] __device__(std::int64_t i) { to[i] = value; });
}

}  // namespace cuda
}  // namespace semwave
