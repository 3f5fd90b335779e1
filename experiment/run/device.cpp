#include "experiment/run/device.h"

#include <algorithm>
#include <thread>

#include "core/base/error.h"

namespace semwave {

std::unique_ptr<Backend> make_backend(const std::string& device) {
  if (device == "cuda") return make_cuda_backend();
  if (device == "auto") {
    try {
      return make_cuda_backend();
    } catch (const Error&) {
      // No GPU, or none built in: the processor it is.
    }
  } else if (device != "cpu") {
    throw Error("device", "is auto, cpu or cuda, not '" + device + "'");
  }
  return make_cpu_backend();
}

int thread_count(int asked) {
  return asked > 0 ? asked : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace semwave
