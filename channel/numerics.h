// The parts of this room that decide numbers, and the digest of its table (core/numerics.h).
#pragma once

#include <string>

#include "core/numerics.h"

namespace semwave {
namespace part {

inline constexpr CodePart channel{
    "channel", 1,
    "channel/apply channel/channel channel/channel_fields channel/channel_settings "
    "channel/csi/csi channel/csi/known_gains channel/impairment/disturbance channel/kind/ "
    "channel/mimo_ofdm/passage channel/registry channel/trained_range phy/burst/burst "
    "phy/burst/ledger phy/signal/power_scope phy/signal/signal phy/signal/signal_kernels "
    "phy/signal/equaliser phy/signal/equaliser_registry"};
inline constexpr CodePart fading{
    "fading", 1,
    "channel/fading/fading channel/fading/gain_law channel/kind/rayleigh channel/kind/rician"};
inline constexpr CodePart antennas{"antennas", 1,
                                   "channel/mimo_ofdm/antennas channel/mimo_ofdm/streams"};
inline constexpr CodePart ofdm{
    "ofdm", 1, "channel/mimo_ofdm/ofdm channel/mimo_ofdm/tones channel/fading/multipath"};
inline constexpr CodePart loss{"loss of tokens and packets", 1, "channel/impairment/loss"};
inline constexpr CodePart trace{"trace", 1, "channel/fading/trace"};
inline constexpr CodePart gain_outlook{"gain outlook", 1, "channel/gain_outlook"};

inline constexpr const CodePart* of_channel[] = {
    &channel, &fading, &antennas, &ofdm, &loss, &trace, &gain_outlook,
};

}  // namespace part

std::string tap_profiles_sha256();

}  // namespace semwave
