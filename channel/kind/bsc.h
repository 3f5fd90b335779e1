// A binary symmetric channel: each of the two bits of a QPSK symbol is flipped by itself, and
// nothing else happens.
#pragma once

#include <memory>

#include "channel/channel_settings.h"

namespace semwave {

/// A channel that is nothing but these flips, `crossover` from 0 to below 1/2. It is believed at
/// the Es/N0 at which the soft bits of QPSK are those of its flips, log((1 - p)/p), and at most 6
/// dB, since headers must stay QPSK.
ChannelSettings flipped_bits(double crossover);

}  // namespace semwave
