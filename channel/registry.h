// What a scenario may name as its channel.
#pragma once

#include "channel/channel.h"
#include "core/config/registry.h"

namespace semwave {

/// ideal, awgn, rayleigh, rician, mimo, tdl, erasure, gilbert_elliott, impulsive, phase_noise,
/// trace.
const Registry<ChannelSettings>& channels();

}  // namespace semwave
