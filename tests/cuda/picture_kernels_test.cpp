// As kernels_test.cpp, for the kernels of pictures.
#include "core/tensor/backend.h"

#define SEMWAVE_TESTED_BACKEND "cuda", make_cuda_backend
#include "tests/core/cpu/picture_kernels_test.cpp"
