// A channel as its parts: what a kind of channel (channel/kind/) puts together from JSON, a test or
// a program by hand. Parts that kinds differ in are interfaces: how gains are drawn (GainLaw), how
// symbols pass where a use is not a symbol (Passage), who says the SNR (SnrSource).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/csi/csi.h"
#include "channel/fading/fading.h"
#include "channel/impairment/disturbance.h"
#include "channel/impairment/loss.h"
#include "channel/mimo_ofdm/passage.h"
#include "core/numerics.h"

namespace semwave {

/// Says the mean SNR of each link and slot itself. Immutable; any number of threads share one.
class SnrSource {
 public:
  virtual ~SnrSource() = default;
  /// dB. `over_time`: the slots of a timeline; otherwise each image is a link by itself.
  virtual double snr_db(std::uint32_t link, bool over_time, std::uint32_t slot) const = 0;
};

/// Mean SNR of the links: one value, or drawn per image, uniform in dB.
struct SnrLaw {
  double from_db = 10, to_db = 10;
  std::shared_ptr<const SnrSource> source{};  // where it says them, they lie within the two
};

struct ChannelSettings {
  FadingLaw fading{};      // its block counts every use, pilots too
  bool noiseless = false;  // no white noise: `ideal`, flipped bits, packets
  SnrLaw snr{};
  Csi transmitter{}, receiver{};  // what each end knows
  double snr_offset_db = 0;       // of the convention `snr`: added to every SNR of the scenario
  std::shared_ptr<const Passage> passage{};  // with fading.branches of its own; null: a symbol a
                                             // use, branches combined in maximum ratio
  Interference interference{};
  Impulses impulses{};
  double phase_step = 0;  // deviation in radians a use; needs a symbol a use
  std::optional<LossLaw> loss{};
  std::vector<Component> components{};  // parts of the code and tables that not every channel has

  void made_with(const CodePart& part) {
    components.push_back({part.name, std::to_string(part.version)});
  }

  // What others ask about a channel, whatever its kind.

  bool fades() const { return fading.gains && !noiseless; }
  /// Whether each image meets a fade that those before say nothing of.
  bool draws_fades() const { return fades() && !fading.gains->follows_images(); }
  bool has_noise() const { return !noiseless; }
  bool has_one_snr() const { return has_noise() && snr.from_db == snr.to_db; }
  /// What flips bits has no SNR, carries QPSK alone, and is believed at one SNR.
  bool flips_bits() const { return passage && passage->believed_snr_db(); }
  /// The law of |h|, for the convention `fading: real`; null where that has no such reading.
  std::shared_ptr<const GainLaw> real_gains() const {
    return fading.gains && fading.branches == 1 ? fading.gains->real_valued() : nullptr;
  }
  /// One gain of 1 and white noise, known to the receiver: what predictions are made for.
  bool only_white_noise() const {
    return has_one_snr() && !fading.gains && !passage && !snr.source && !loss && phase_step == 0 &&
           impulses.probability == 0 && interference.kind == InterferenceKind::none &&
           receiver.kind == CsiKind::perfect;
  }
  /// Pilots of one estimate of all gains of a use, in uses a pilot.
  int streams() const { return passage ? passage->streams() : 1; }
  /// Uses that are sent at a time; 1: no frames.
  std::int64_t frame_uses() const { return passage ? passage->frame_uses() : 1; }
};

}  // namespace semwave
