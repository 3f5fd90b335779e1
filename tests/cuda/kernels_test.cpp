// What every backend's kernels are held to, held against CUDA's: this file compiles
// tests/core/cpu/kernels_test.cpp for it.
#include "core/tensor/backend.h"

#define SEMWAVE_TESTED_BACKEND "cuda", make_cuda_backend
#include "tests/core/cpu/kernels_test.cpp"
