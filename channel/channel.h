// Fading and noise. A fade exists before the transmitter plans: it is realised, observed, planned for, then applied.
// Definitions of SNR, power and coherence: docs/conventions.md.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/burst.h"
#include "core/list.h"
#include "core/pass.h"

namespace semwave {

/// What the transmitter believes about the link of one image.
struct ChannelState {
  double snr_db = 0;   // of the channel as believed, gain included where it is known
  int age = 0;         // bursts since it was learned
};

enum class Coherence : std::uint8_t { symbol, block, image };
enum class FadingKind : std::uint8_t { none, rayleigh };
enum class PowerScope : std::uint8_t { image, token, symbol };

/// Mean SNR of the links: one value, or drawn per image, uniform in dB.
struct SnrLaw {
  double from_db = 10, to_db = 10;
};

/// One realisation for the images of a shard. Gains are functions of (seed, link, slot, use) and thus fixed once this is made.
class Fading {
 public:
  std::complex<double> gain(int image, std::int64_t use) const;  // use: transmitted-use index, header first
  double snr_db(int image) const { return snr_db_[static_cast<std::size_t>(image)]; }
  double noise_variance(int image) const;  // N0 = 10^(-snr_db/10); 0 for the ideal channel
  int images() const { return static_cast<int>(links_.size()); }
  /// Which fade a use meets: uses of equal index share a gain.
  std::int64_t coherence_index(std::int64_t use) const;

  FadingKind kind = FadingKind::none;
  Coherence coherence = Coherence::image;
  std::int64_t block = 1;
  bool noiseless = false;
  std::uint64_t seed = 0;
  std::uint32_t slot = 0;
  List<std::uint32_t> links_;
  List<double> snr_db_;
};

struct ChannelSettings {
  FadingKind fading = FadingKind::none;
  bool noiseless = false;       // `ideal`
  SnrLaw snr;
  Coherence coherence = Coherence::image;
  std::int64_t block = 1;       // uses, coherence `block`
};

class Channel {
 public:
  explicit Channel(ChannelSettings settings) : settings_(settings) {}
  const ChannelSettings& settings() const { return settings_; }

  /// Links are the image ids of the pass; visit is the slot.
  Fading realise(const Draws& draws) const;
  /// The same with the mean SNR of each image given (training draws its own).
  Fading realise(const Draws& draws, List<double> snr_db) const;
  /// Perfect knowledge: with coherence `image` the instantaneous SNR, gain included; otherwise the mean SNR,
  /// since one number cannot describe many gains. The ideal channel is believed at `ideal_snr_db`.
  List<ChannelState> observe(const Fading& fading) const;
  /// y = h x + n for header and payload, the header first in the index of uses. Differentiable in the payload. In a training pass
  /// the header is handed over as read; its uses are counted all the same. The ledger's header and payload are set to the symbols really
  /// sent (a burst that already says otherwise is a bug). Noise is keyed by the pass's draws, fades by those of `fading`.
  Reception apply(Pass& pass, const Burst& burst, const Fading& fading) const;

  static constexpr double ideal_snr_db = 40;

 private:
  ChannelSettings settings_;
};

}  // namespace semwave
