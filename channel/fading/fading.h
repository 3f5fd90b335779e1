// Fading: the gains and noise levels of one realisation, made before the transmitter plans. Gains
// are functions of (seed, link, slot, use), so nothing is stored but whose they are.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <memory>
#include <optional>

#include "channel/fading/trace.h"
#include "core/base/pooled_vector.h"

namespace semwave {

enum class Coherence : std::uint8_t { symbol, block, image };
enum class FadingKind : std::uint8_t { none, rayleigh, rician, trace };

/// How gains are drawn.
struct FadingLaw {
  FadingKind kind = FadingKind::none;
  double k_factor = 0;  // rician: power of the line of sight over that of the scatter, linear
  Coherence coherence = Coherence::image;
  std::int64_t block = 1;  // uses that carry data in a block, coherence `block`
  /// f_D tau, tau the time of one coherence interval (a slot for `image`): gains follow each other
  /// with autocorrelation J0(2 pi f_D tau n) (Clarke 1968), within the burst for `symbol` and
  /// `block`, from slot to slot for `image`. None: each interval draws its own.
  std::optional<double> doppler;
  int branches =
      1;  // independent gains of each use: pairs of antennas, taps; all Rayleigh of unit power
  bool real_valued = false;  // the convention `fading: real`: |h| instead of h

  /// E[h(n) h*(0)] of intervals n apart, the line of sight included.
  double correlation(double n) const;
};

/// The images of a shard, each with its link. Where the gains come from a trace, link l takes the
/// trace's link l mod L; a link of a timeline meets the trace's slots one after the other, an image
/// that is its own link (image i) meets slot i/L mod n in every repeat.
class Fading {
 public:
  std::complex<double> gain(int image, std::int64_t use)
      const;  // use: transmitted-use index without pilots, header first
  double snr_db(int image) const { return snr_db_[static_cast<std::size_t>(image)]; }
  double noise_variance(
      int image) const;  // N0 = 10^(-(snr_db + snr_offset_db)/10); 0 for the ideal channel
  /// What both ends count as noise: N0 and the interference they know of.
  double known_noise(int image) const { return noise_variance(image) + known_interference; }
  int images() const { return static_cast<int>(links_.size()); }
  bool fades() const { return law.kind != FadingKind::none && !noiseless; }
  /// Which fade a use meets: uses of equal index share a gain.
  std::int64_t coherence_index(std::int64_t use) const;
  /// How many uses from this one on share its gain.
  std::int64_t coherence_left(std::int64_t use) const;

  FadingLaw law;
  std::shared_ptr<const Trace> trace;
  double trace_error =
      0;  // mean squared error, over the trace, of a gain the receiver knows late or not at all
  bool over_time = false;  // the slots of a timeline, not images by themselves
  bool noiseless = false;
  double snr_offset_db = 0;       // of the convention `snr`
  double known_interference = 0;  // its power
  std::uint64_t seed = 0;
  std::uint32_t slot = 0;
  PooledVector<std::uint32_t> links_;
  PooledVector<double> snr_db_;
  PooledVector<std::int32_t>
      receiver_pilots_;  // [images] for each gain; 0: the receiver does not estimate
};

/// The gains of one link over time. Under Doppler a sum of sinusoids, N^-1/2 sum exp(j(w n cos a_i
/// + phi_i)) with the angle a_i uniform in the i-th of N equal sectors: its autocorrelation is
/// exactly J0, its E|h|^4 is 2 - 1/N.
class LinkGains {
 public:
  static constexpr int waves = 64;

  explicit LinkGains(const Fading& fading, int image, int branch = 0);
  std::complex<double> at(std::int64_t coherence_index, int slots_before = 0) const;

 private:
  const Fading& fading_;
  std::uint32_t link_;
  std::uint32_t branch_;
  std::complex<double> line_of_sight_;  // rician: its amplitude and phase, which stays for the link
  double scatter_ = 1;                  // amplitude
  std::array<double, waves> rate_, phase_;  // under Doppler: radians an interval, radians
};

}  // namespace semwave
