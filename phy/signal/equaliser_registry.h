// What a scenario may name as its equaliser. Apart from equaliser.h, which kernels of every device
// include.
#pragma once

#include "core/config/registry.h"
#include "phy/signal/equaliser.h"

namespace semwave {

/// zf, mmse, and what else is added before the first scenario is read.
Registry<Equaliser>& equalisers();

}  // namespace semwave
