// The CUDA signal kernels of a build without CUDA: they say so.
#include "channel/signal_kernels.h"
#include "core/error.h"

namespace semwave {

const SignalKernels& cuda_signal_kernels() { throw Error("device cuda", "semwave was built without CUDA; use --device cpu"); }

}  // namespace semwave
