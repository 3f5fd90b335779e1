// Rayleigh fading: gains CN(0, 1), the scatter itself. Of each pair of antennas and each tap, too.
#pragma once

#include <memory>

#include "channel/fading/gain_law.h"

namespace semwave {

std::shared_ptr<const GainLaw> rayleigh_gains();

}  // namespace semwave
