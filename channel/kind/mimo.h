// Several antennas at either end (channel/mimo_ofdm/antennas.h), Rayleigh between each pair.
#pragma once

#include "channel/channel_settings.h"
#include "channel/mimo_ofdm/antennas.h"

namespace semwave {

/// The gains of `channel` become those of these antennas, and its symbols their streams.
void over_antennas(const Antennas& antennas, ChannelSettings& channel);

}  // namespace semwave
