#include "experiment/outside_training.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/json.h"

namespace semwave {
namespace {

/// Mean SNRs of the links of a channel, dB; none where it has no SNR.
std::optional<TrainedRange> snrs_of(const ChannelSettings& channel) {
  if (channel.crossover) return std::nullopt;
  if (channel.noiseless && channel.interference.power > 0) return std::nullopt;  // its noise is another sender
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (channel.noiseless) return TrainedRange{infinite, infinite};

  TrainedRange made{channel.snr.from_db, channel.snr.to_db};
  if (channel.trace && !channel.trace->has_gains()) made = {channel.trace->lowest_snr_db(), channel.trace->highest_snr_db()};
  return TrainedRange{made.low_db + channel.snr_offset_db, made.high_db + channel.snr_offset_db};
}

std::string text(double db) { return canonical(std::round(100 * db) / 100); }

}  // namespace

void OutsideTraining::add(const Scenario& point, const std::optional<TrainedRange>& trained) {
  const std::optional<TrainedRange> meets = snrs_of(point.channel);
  if (point.pair != PairKind::semantic || !trained || !meets) return;
  const auto [entry, added] = met_.emplace(std::pair{trained->low_db, trained->high_db}, *meets);
  entry->second = {std::min(entry->second.low_db, meets->low_db), std::max(entry->second.high_db, meets->high_db)};
}

std::vector<std::string> OutsideTraining::lines() const {
  std::vector<std::string> made;
  for (const auto& [ends, met] : met_) {
    const auto& [low, high] = ends;
    const std::string trained = low == high ? "the model was trained for " + text(low) + " dB" : "the model was trained for " + text(low) + " to " + text(high) + " dB";
    const std::string most = std::isinf(met.high_db) ? "a channel without noise" : "a channel SNR of up to " + text(met.high_db) + " dB";
    if (met.high_db > high) made.push_back(most + ": " + trained + "; beyond it is conditioned as at " + text(high) + " dB");
    if (met.low_db < low) made.push_back("a channel SNR down to " + text(met.low_db) + " dB: " + trained + "; below it is conditioned as at " + text(low) + " dB");
  }
  return made;
}

}  // namespace semwave
