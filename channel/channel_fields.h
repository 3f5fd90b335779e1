// Keys that many kinds of channel have: their fields, and how they are read into the parts of a
// channel. A kind's own keys stand in its file (channel/kind/).
#pragma once

#include <vector>

#include "channel/channel_settings.h"
#include "core/config/json.h"

namespace semwave {

/// A ratio of powers given in dB.
double linear(const Json& db);

Field snr_field();
Field noiseless_field();
Field interference_field();
/// snr_db, noiseless, interference, as far as they are there.
ChannelSettings read_noise(const Json& parameters);
/// The same channel without white noise.
void make_noiseless(ChannelSettings& channel);

/// What each end knows. `own_pilots`: an estimate says how many pilots it takes; otherwise the
/// channel lays them out.
Field csi_field(bool own_pilots = true);
/// Both ends, and that what they are to know of the gains can be known. Gains are read before.
void read_csi(const Json& parameters, ChannelSettings& channel);
/// Where the channel lays out the pilots: nothing is checked.
void read_csi_without_pilots(const Json& parameters, ChannelSettings& channel);

/// How long a gain lasts: coherence, block_uses; with Doppler doppler, too.
std::vector<Field> coherence_fields();
std::vector<Field> doppler_fields();
void read_coherence(const Json& parameters, FadingLaw& law);

/// What is lost as a whole, and whether headers are.
std::vector<Field> loss_fields();
void read_loss(const Json& parameters, LossLaw& law);

}  // namespace semwave
