// The CUDA signal kernels of a build without CUDA: they say so.
#include "core/base/error.h"
#include "phy/signal/signal_kernels.h"

namespace semwave {

const SignalKernels& cuda_signal_kernels() {
  throw Error("device cuda", "semwave was built without CUDA; use --device cpu");
}

}  // namespace semwave
