// Fading: the gains and noise levels of one realisation, made before the transmitter plans. Gains are functions of (seed, link,
// slot, use), so nothing is stored but whose they are.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>

#include "core/list.h"

namespace semwave {

enum class Coherence : std::uint8_t { symbol, block, image };
enum class FadingKind : std::uint8_t { none, rayleigh, rician };

/// How gains are drawn.
struct FadingLaw {
  FadingKind kind = FadingKind::none;
  double k_factor = 0;             // rician: power of the line of sight over that of the scatter, linear
  Coherence coherence = Coherence::image;
  std::int64_t block = 1;          // uses that carry data in a block, coherence `block`
  /// f_D tau, tau the time of one coherence interval (a slot for `image`): gains follow each other with autocorrelation J0(2 pi f_D tau n)
  /// (Clarke 1968), within the burst for `symbol` and `block`, from slot to slot for `image`. None: each interval draws its own.
  std::optional<double> doppler;

  /// E[h(n) h*(0)] of intervals n apart, the line of sight included.
  double correlation(double n) const;
};

/// The images of a shard, each with its link.
class Fading {
 public:
  std::complex<double> gain(int image, std::int64_t use) const;  // use: transmitted-use index without pilots, header first
  /// The gain of that use `slots` bursts earlier; coherence `image` only. What no slot was is drawn all the same.
  std::complex<double> gain_before(int image, std::int64_t use, int slots) const;
  double snr_db(int image) const { return snr_db_[static_cast<std::size_t>(image)]; }
  double noise_variance(int image) const;  // N0 = 10^(-snr_db/10); 0 for the ideal channel
  int images() const { return static_cast<int>(links_.size()); }
  bool fades() const { return law.kind != FadingKind::none && !noiseless; }
  /// Which fade a use meets: uses of equal index share a gain.
  std::int64_t coherence_index(std::int64_t use) const;

  FadingLaw law;
  bool noiseless = false;
  std::uint64_t seed = 0;
  std::uint32_t slot = 0;
  List<std::uint32_t> links_;
  List<double> snr_db_;
  List<std::int32_t> receiver_pilots_;  // [images] for each gain; 0: the receiver does not estimate
};

/// The gains of one link over time. Under Doppler a sum of sinusoids, N^-1/2 sum exp(j(w n cos a_i + phi_i)) with the angle a_i uniform in
/// the i-th of N equal sectors: its autocorrelation is exactly J0, its E|h|^4 is 2 - 1/N.
class LinkGains {
 public:
  static constexpr int waves = 64;

  LinkGains(const Fading& fading, int image);
  std::complex<double> at(std::int64_t coherence_index, int slots_before = 0) const;

 private:
  const Fading& fading_;
  std::uint32_t link_;
  std::complex<double> line_of_sight_;  // rician: its amplitude and phase, which stays for the link
  double scatter_ = 1;                  // amplitude
  std::array<double, waves> rate_, phase_;  // under Doppler: radians an interval, radians
};

}  // namespace semwave
