// semwave devices: processors and GPUs it can use.
#include <fmt/format.h>

#include <thread>

#include "apps/commands.h"
#include "apps/progress.h"
#include "core/base/error.h"
#include "core/tensor/backend.h"

namespace semwave {
namespace {

int devices() {
  const auto cpu = make_cpu_backend();
  fmt::print("cpu   {}, {}\n", cpu->name(), counted(std::thread::hardware_concurrency(), "thread"));
  try {
    fmt::print("cuda  {}\n", make_cuda_backend()->name());
  } catch (const Error& missing) {
    fmt::print("# {}\n", missing.what());
  }
  return 0;
}

}  // namespace

Command add_devices(CLI::App& program) {
  program.add_subcommand("devices", "processors and GPUs it can use")
      ->footer("Example: semwave devices");
  return devices;
}

}  // namespace semwave
