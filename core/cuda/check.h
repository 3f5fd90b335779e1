// Every CUDA call is checked: what failed becomes an Error that names it.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/base/error.h"

namespace semwave::cuda {

/// Throws Error unless `status` is success; `what` says what was being done.
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw Error("device cuda", std::string(what) + ": " + cudaGetErrorString(status));
}

}  // namespace semwave::cuda
