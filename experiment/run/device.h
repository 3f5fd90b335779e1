// Which processor a command computes on, by the name that a user gives it.
#pragma once

#include <memory>
#include <string>

#include "core/tensor/backend.h"

namespace semwave {

/// "cpu", "cuda", or "auto": a GPU where there is one, else the processor. Throws Error where the
/// device asked for cannot be had, and for any other name.
std::unique_ptr<Backend> make_backend(const std::string& device);
/// `asked` where it is not 0, else one thread a core.
int thread_count(int asked);

}  // namespace semwave
