// Fading and noise. A fade exists before the transmitter plans: it is realised, observed, planned for, then applied.
// Definitions of SNR, power and coherence: docs/conventions.md.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "channel/burst.h"
#include "channel/csi.h"
#include "channel/fading.h"
#include "core/list.h"
#include "core/pass.h"

namespace semwave {

enum class PowerScope : std::uint8_t { image, token, symbol };

/// Mean SNR of the links: one value, or drawn per image, uniform in dB.
struct SnrLaw {
  double from_db = 10, to_db = 10;
};

struct ChannelSettings {
  FadingLaw fading{};           // its block counts every use, pilots too
  bool noiseless = false;       // `ideal`
  SnrLaw snr{};
  Csi transmitter{}, receiver{};  // what each end knows
};

class Channel {
 public:
  explicit Channel(ChannelSettings settings) : settings_(settings) {}
  const ChannelSettings& settings() const { return settings_; }

  /// Mean SNR of each of these links (images, without a timeline), as the law says.
  List<double> mean_snr_db(std::uint64_t seed, std::span<const std::uint32_t> links) const;
  /// Links are the image ids of the pass; visit is the slot.
  Fading realise(const Draws& draws) const;
  /// The same with the mean SNR of each image given (training draws its own).
  Fading realise(const Draws& draws, List<double> snr_db) const;
  /// Links given too: a link carries many images, one a slot.
  Fading realise(const Draws& draws, List<std::uint32_t> links, List<double> snr_db) const;
  /// What the transmitter believes before it plans. Perfect: with coherence `image` the instantaneous SNR, gain included; otherwise the
  /// mean SNR, since one number cannot describe many gains. Estimated: the SNR of a least-squares estimate, drawn per link and slot.
  /// Delayed: the instantaneous SNR some slots ago. Quantised: the perfect one in `bits`. None: the middle of the SNR law.
  /// The ideal channel is believed at `ideal_snr_db`.
  List<ChannelState> observe(const Fading& fading) const;
  /// Channel uses spent on estimates by an image that sends so many header and payload symbols: the receiver's pilots for each gain it
  /// meets (`receiver_pilots`, usually settings().receiver_pilots()), and the transmitter's sounding.
  std::int64_t pilot_uses(std::int64_t data_uses, int receiver_pilots) const;
  /// y = h x + n for header and payload, the header first in the index of uses. Differentiable in the payload. In a training pass
  /// the header is handed over as read; its uses are counted all the same. The ledger's header and payload are set to the symbols really
  /// sent (a burst that already says otherwise is a bug). Noise is keyed by the pass's draws, fades by those of `fading`.
  /// What the receiver knows of the gains is in Reception::gains, and the noise variance has the error of that knowledge on top.
  Reception apply(Pass& pass, const Burst& burst, const Fading& fading) const;

  static constexpr double ideal_snr_db = 40;

 private:
  ChannelSettings settings_;
};

}  // namespace semwave
