// What `semwave run --profile` prints.
#pragma once

#include <span>

#include "core/tensor/profiling_backend.h"

namespace semwave {

/// Time and achieved GFLOP/s of each kernel, then what was spent outside kernels and outside
/// products. Every line starts with '#'.
std::string profile_text(std::span<const ProfilingBackend::Line> lines,
                         double thread_seconds /*of all passes, kernels and everything else*/);

}  // namespace semwave
