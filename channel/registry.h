// What a scenario may name as its channel and as its equaliser.
#pragma once

#include "channel/channel.h"
#include "core/config/registry.h"
#include "phy/signal/signal.h"

namespace semwave {

/// ideal, awgn, rayleigh, rician, mimo, tdl, erasure, gilbert_elliott, impulsive, phase_noise,
/// trace.
const Registry<ChannelSettings>& channels();

/// zf, mmse.
const Registry<Equaliser>& equalisers();

}  // namespace semwave
