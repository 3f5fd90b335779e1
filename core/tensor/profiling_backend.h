// Where the time of a run goes: a backend that hands every call to another one and keeps time and
// operations of each kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor/backend.h"

namespace semwave {

class ProfilingBackend : public Backend {
 public:
  struct Line {
    std::string kernel;
    std::int64_t calls = 0;
    double seconds = 0;     // of all threads together
    double operations = 0;  // multiply-add = 2; 0 where a kernel's work is not counted
    bool product =
        false;  // matrix products; attention is listed by itself, its softmax is no product
  };
  /// Kernels that were called, most time first. Call it while no pass runs.
  virtual std::vector<Line> lines() const = 0;
};

/// `inner` must outlive it. Thread-safe like the inner one; a measured call costs about 50 ns more.
std::unique_ptr<ProfilingBackend> make_profiling_backend(Backend& inner);

}  // namespace semwave
