// What a sender has to expect of a burst whose gains it does not know: the SNRs that the burst will
// be as good as, drawn from the laws of the channel. Where one gain holds for the burst and is part
// of what is believed, nothing is left to expect.
//
// A burst over several gains is as good as one over the gain with which a use carries as much on
// average (capacity-effective SNR, exact for Gaussian input): E log2(1 + s |h|^2) = log2(1 +
// s_effective); |h|^2 is that of the branches combined, or of what streams and tones carry together
// (Channel::power_gain). Draws are those of the channel's own fading with a fixed key.
#pragma once

#include <cstdint>
#include <vector>

#include "channel/channel.h"
#include "channel/csi/csi.h"

namespace semwave {

class GainOutlook {
 public:
  /// Bursts of about `uses` channel uses.
  GainOutlook(const ChannelSettings& settings, std::int64_t uses);
  /// Whether a state says all there is to know.
  bool certain(const ChannelState& state) const;
  /// Equally likely SNRs in dB that a burst will be as good as: the believed one alone where that
  /// is certain.
  std::vector<double> snrs_db(const ChannelState& state) const;

 private:
  static constexpr int most_gains = 64;  // of a burst; more average out alike

  ChannelSettings settings_;
  int gains_ = 1;                 // that a burst meets
  double mean_power_ = 1;         // of the gains, by the law
  std::vector<double> power_;     // [draws x gains] |h|^2
  std::vector<double> shift_db_;  // [draws] of the mean SNR, known interference counted, around
                                  // that of the middle of its law
};

}  // namespace semwave
