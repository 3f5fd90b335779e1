#include "channel/gain_outlook.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

namespace semwave {
namespace {

constexpr std::uint64_t key = 0;  // of the draws: an expectation is the same in every run
constexpr std::int64_t fewest_draws = 1024, most_draws = 8192, all_gains = 65536;

}  // namespace

GainOutlook::GainOutlook(const ChannelSettings& settings, std::int64_t uses) : settings_(settings) {
  const bool fades = settings.fades(), varies = settings.snr.from_db != settings.snr.to_db;
  if (!fades && !varies) return;
  // Gains are counted by uses, over OFDM by its symbols, of which a burst has whole ones.
  if (const std::int64_t frame = settings.frame_uses(); frame > 1)
    uses = std::max<std::int64_t>(1, uses / frame);
  const std::int64_t block = settings.fading.coherence == Coherence::image   ? uses
                             : settings.fading.coherence == Coherence::block ? settings.fading.block
                                                                             : 1;
  const std::int64_t met = fades ? std::max<std::int64_t>(1, (uses + block - 1) / block) : 1;
  gains_ = static_cast<int>(std::min<std::int64_t>(met, most_gains));
  const auto draws =
      static_cast<std::size_t>(std::clamp(all_gains / gains_, fewest_draws, most_draws));
  Draws keyed{.seed = key, .visit = 0, .images = PooledVector<std::uint32_t>(draws)};
  std::iota(keyed.images.begin(), keyed.images.end(), 0u);
  const Channel channel(settings);
  const Fading fading = channel.realise(
      keyed, PooledVector<double>(draws, (settings.snr.from_db + settings.snr.to_db) / 2));
  mean_power_ = fades ? channel.mean_power_gain() : 1;
  for (std::size_t d = 0; d < draws; ++d) {
    const double place = (static_cast<double>(d) + 0.5) / static_cast<double>(draws);
    const double snr_shift = std::pow(
                     10.0, (place - 0.5) * (settings.snr.to_db - settings.snr.from_db) / 10),
                 noise = fading.noise_variance(0);
    shift_db_.push_back(varies ? 10 * std::log10((noise + fading.known_interference) /
                                                 (noise / snr_shift + fading.known_interference))
                               : 0.0);
    // Spread over the burst, so that gains which follow each other closely do so here.
    for (int g = 0; g < gains_; ++g)
      power_.push_back(fades ? channel.power_gain(fading, static_cast<int>(d), g * met / gains_)
                             : 1);
  }
}

bool GainOutlook::certain(const ChannelState& state) const {
  if (power_.empty()) return true;
  const bool fades = settings_.fades();
  return state.how != CsiKind::none && (!fades || settings_.fading.coherence == Coherence::image);
}

std::vector<double> GainOutlook::snrs_db(const ChannelState& state) const {
  if (certain(state)) return {state.snr_db};
  const auto gains = static_cast<std::size_t>(gains_);
  const double believed = state.how == CsiKind::none
                              ? 1
                              : mean_power_;  // the part of the gains that the state holds already
  std::vector<double> out(shift_db_.size());
  for (std::size_t d = 0; d < out.size(); ++d) {
    const double snr =
        std::pow(10.0, (state.snr_db + (state.how == CsiKind::none ? shift_db_[d] : 0)) / 10) /
        believed;
    double bits = 0;
    for (std::size_t g = 0; g < gains; ++g) bits += std::log2(1 + snr * power_[d * gains + g]);
    out[d] = 10 * std::log10(std::max(std::exp2(bits / static_cast<double>(gains)) - 1, 1e-12));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace semwave
