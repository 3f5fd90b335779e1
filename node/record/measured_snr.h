// The SNR that a receiver says it has measured: of reports and of its page.
#pragma once

#include <algorithm>
#include <cmath>

#include "channel/channel.h"

namespace semwave {

/// Of summed powers; within -20 dB (nothing was read: as bad as can be said) and what the ideal
/// channel has.
inline double measured_snr_db(double signal, double noise) {
  if (signal <= 0) return -20;
  return std::clamp(10 * std::log10(signal / std::max(noise, 1e-12)), -20.0, Channel::ideal_snr_db);
}

}  // namespace semwave
