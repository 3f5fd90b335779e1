// Rician fading: a line of sight of constant amplitude, its phase drawn once per link, and a
// scatter around it, together of unit power.
#pragma once

#include <memory>

#include "channel/fading/gain_law.h"

namespace semwave {

/// `k_factor`: power of the line of sight over that of the scatter, linear, 0 or more.
std::shared_ptr<const GainLaw> rician_gains(double k_factor);

}  // namespace semwave
