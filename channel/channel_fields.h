// The keys of a scenario's channel, described once; the kinds of channel in channel/registry.cpp
// are put together from these.
#pragma once

#include <string>
#include <vector>

#include "core/config/json.h"

namespace semwave {

Field snr_field();
Field coherence_field();
Field block_field();
Field doppler_field();
/// What each end knows. `own_pilots`: an estimate says how many pilots it takes; otherwise the
/// channel lays them out.
Field csi_field(bool own_pilots = true);
Field interference_field();
std::vector<Field> antennas_fields();
std::vector<Field> ofdm_fields();
std::vector<Field> loss_fields();
std::vector<Field> memory_fields();
Field probability(std::string name, double fallback, std::string summary);
std::vector<Field> impulse_fields();
Field phase_field();
std::vector<Field> trace_fields();

}  // namespace semwave
