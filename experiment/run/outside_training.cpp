#include "experiment/run/outside_training.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/config/json.h"

namespace semwave {
namespace {

/// Mean SNRs of the links of a channel, dB; none where it has no SNR.
std::optional<TrainedRange> snrs_of(const ChannelSettings& channel) {
  if (channel.flips_bits()) return std::nullopt;
  if (!channel.has_noise() && channel.interference.power > 0)
    return std::nullopt;  // its noise is another sender
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (!channel.has_noise()) return TrainedRange{infinite, infinite};
  return TrainedRange{channel.snr.from_db + channel.snr_offset_db,
                      channel.snr.to_db + channel.snr_offset_db};
}

std::string text(double db) {
  return canonical(std::round(100 * db) / 100);
}

}  // namespace

void OutsideTraining::add(const Scenario& point, const std::optional<TrainedRange>& trained) {
  const std::optional<TrainedRange> meets = snrs_of(point.channel);
  if (!point.pair->semantic() || !trained || !meets) return;
  const auto [entry, added] = met_.emplace(std::pair{trained->low_db, trained->high_db}, *meets);
  TrainedRange& met = entry->second;
  met = {std::min(met.low_db, meets->low_db), std::max(met.high_db, meets->high_db)};
}

std::vector<std::string> OutsideTraining::lines() const {
  std::vector<std::string> made;
  for (const auto& [ends, met] : met_) {
    const auto& [low, high] = ends;
    const std::string ends_text = low == high ? text(low) : text(low) + " to " + text(high);
    const std::string trained = " dB: the model was trained for " + ends_text + " dB; ";
    const std::string noiseless = trained.substr(std::string(" dB").size());
    const std::string as_at = " it is conditioned as at ";

    if (std::isinf(met.high_db))
      made.push_back("a channel without noise" + noiseless + "beyond" + as_at + text(high) + " dB");
    else if (met.high_db > high)
      made.push_back("a channel SNR of up to " + text(met.high_db) + trained + "beyond" + as_at +
                     text(high) + " dB");
    if (met.low_db < low)
      made.push_back("a channel SNR down to " + text(met.low_db) + trained + "below" + as_at +
                     text(low) + " dB");
  }
  return made;
}

}  // namespace semwave
