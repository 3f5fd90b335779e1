// What every backend's kernels are held to, held against CUDA's: this file compiles tests/core/kernels_test.cpp for it.
#include "core/backend.h"

#define SEMWAVE_TESTED_BACKEND "cuda", make_cuda_backend
#include "tests/core/kernels_test.cpp"
