// Fading and noise. A fade exists before the transmitter plans: it is realised, observed, planned
// for, then applied. Definitions of SNR, power and coherence: docs/conventions.md.
#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include "channel/channel_settings.h"
#include "channel/csi/csi.h"
#include "channel/fading/fading.h"
#include "core/base/pooled_vector.h"
#include "core/tensor/pass.h"
#include "phy/burst/burst.h"

namespace semwave {

class Channel {
 public:
  explicit Channel(ChannelSettings settings);
  const ChannelSettings& settings() const { return settings_; }

  /// Mean SNR of each of these links (images, without a timeline), as the law says.
  PooledVector<double> mean_snr_db(std::uint64_t seed, std::span<const std::uint32_t> links) const;
  /// Links are the image ids of the pass; visit is the slot.
  Fading realise(const Draws& draws) const;
  /// The same with the mean SNR of each image given (training draws its own). Where the channel
  /// says its SNRs itself (SnrSource), those hold.
  Fading realise(const Draws& draws, PooledVector<double> snr_db) const;
  /// Links given too, those of a timeline: a link carries many images, one a slot.
  Fading realise(const Draws& draws, PooledVector<std::uint32_t> links,
                 PooledVector<double> snr_db) const;
  /// What the transmitter believes before it plans. Perfect: with coherence `image` the
  /// instantaneous SNR, gain included; otherwise the mean SNR, since one number cannot describe
  /// many gains. Estimated: the SNR of a least-squares estimate, drawn per link and slot. Delayed:
  /// the instantaneous SNR some slots ago. Quantised: the perfect one in `bits`. None: the middle
  /// of the SNR law. Of several streams or tones it is the SNR at which one of them would carry the
  /// mean of what they carry, log2(1 + SNR). Interference counts as noise where it is known. The
  /// ideal channel is believed at `ideal_snr_db`, one that flips bits at what its passage says.
  PooledVector<ChannelState> observe(const Fading& fading) const;
  /// What a transmitter believes that has heard nothing: the middle of the SNR law, and what both
  /// ends agreed on (convention, known interference).
  ChannelState unheard() const;
  /// The uses of an image that sends so many symbols of header, payload and parity: as many as
  /// symbols on one antenna and one tone; whole uses of several antennas, whole OFDM symbols with
  /// their prefixes. Pilots are the receiver's for each gain it meets (`receiver_pilots`, usually
  /// settings().receiver.pilots where it estimates, else 0) and the transmitter's sounding.
  Ledger uses(const Ledger& symbols, int receiver_pilots) const;
  /// Those of the transmitter's sounding: for each burst, in a timeline for each slot.
  std::int64_t sounding_uses() const;
  /// Power gain of an image in one coherence interval: of combined antennas, or of what its streams
  /// or tones carry together.
  double power_gain(const Fading& fading, int image, std::int64_t coherence_index = 0) const;
  /// Its mean over the fades, which a belief holds where gains change within the burst: of combined
  /// antennas their number, otherwise Passage::mean_power.
  double mean_power_gain() const;
  /// y = h x + n for header and payload, the header first in the index of uses. Differentiable in
  /// the payload; what other symbols leave behind in one (streams, tones beyond the prefix) counts
  /// as noise there. In a training pass the header is handed over as read; its uses are counted all
  /// the same. The ledger's header and payload are set to the uses really taken (a burst that
  /// counts its symbols otherwise is a bug); parity is what the sender says of them. Noise is keyed
  /// by the pass's draws, fades by those of `fading`. What the receiver knows of the gains is in
  /// Reception::gains, and the noise variance has the error of that knowledge on top. Symbols that
  /// are lost are 0, gain and all.
  Reception apply(Pass& pass, const Burst& burst, const Fading& fading) const;

  static constexpr double ideal_snr_db = 40;

 private:
  double power_of(std::span<const std::complex<double>> branches, double noise) const;

  ChannelSettings settings_;
  GainError unestimated_;
};

}  // namespace semwave
