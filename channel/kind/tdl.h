// A tapped delay line carried by OFDM (channel/mimo_ofdm/ofdm.h), Rayleigh on each tap.
#pragma once

#include <memory>

#include "channel/channel_settings.h"
#include "channel/mimo_ofdm/ofdm.h"

namespace semwave {

/// The gains of `channel` become those of the taps, and its symbols the tones. `doppler_hz`: of
/// every tap; 0: a tap stays as it is within the burst.
void over_tones(const std::shared_ptr<const Ofdm>& ofdm, double doppler_hz,
                ChannelSettings& channel);

}  // namespace semwave
