// The CUDA backend of a build without CUDA: it says so.
#include "core/base/error.h"
#include "core/tensor/backend.h"

namespace semwave {

std::unique_ptr<Backend> make_cuda_backend() {
  throw Error("device cuda", "semwave was built without CUDA; use --device cpu");
}

}  // namespace semwave
