// Stands in for the functions of the kernels that the fuzzers' programs name. They build no network, so none is ever called.
#include <cstdlib>

#include "channel/signal_kernels.h"
#include "core/cpu/normals.h"

namespace semwave {

const SignalKernels& cpu_signal_kernels() { std::abort(); }
const SignalKernels& cuda_signal_kernels() { std::abort(); }

namespace cpu {
std::vector<AddNormals> add_normals_kernels() { std::abort(); }
}  // namespace cpu

}  // namespace semwave
