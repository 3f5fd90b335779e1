// Fading: the gains and noise levels of one realisation, made before the transmitter plans. Gains
// are functions of (seed, link, slot, use), so nothing is stored but whose they are.
#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "channel/fading/gain_law.h"
#include "core/base/pooled_vector.h"
#include "core/random/random.h"

namespace semwave {

enum class Coherence : std::uint8_t { symbol, block, image };

/// The gains of a channel: their law, and how long each lasts.
struct FadingLaw {
  std::shared_ptr<const GainLaw> gains{};  // null: no fading, every gain is 1
  Coherence coherence = Coherence::image;
  std::int64_t block = 1;  // uses that carry data in a block, coherence `block`
  /// f_D tau, tau the time of one coherence interval (a slot for `image`): the scatter of a law
  /// follows itself with autocorrelation J0(2 pi f_D tau n) (Clarke 1968), within the burst for
  /// `symbol` and `block`, from slot to slot for `image`. None: each interval draws its own.
  std::optional<double> doppler{};
  int branches = 1;  // independent gains of each use: pairs of antennas, taps

  /// Of gains n intervals apart, as GainLaw::correlation; 1 without fading.
  double correlation(double n) const;
};

/// Power of the error in what is known of a gain.
struct GainError {
  double variance = 0;  // E|h - known|^2
  double along = 0;     // |E known* (h - known)|^2 / E|known|^2, of what may have several branches:
                        // all Rayleigh
};

/// The images of a shard, each with its link. A link of a timeline meets slot after slot; without
/// one each image is a link by itself.
class Fading {
 public:
  std::complex<double> gain(int image, std::int64_t use)
      const;  // use: transmitted-use index without pilots, header first
  double snr_db(int image) const { return mean_snr_db[static_cast<std::size_t>(image)]; }
  double noise_variance(
      int image) const;  // N0 = 10^(-(snr_db + snr_offset_db)/10); 0 for the ideal channel
  /// What both ends count as noise: N0 and the interference they know of.
  double known_noise(int image) const { return noise_variance(image) + known_interference; }
  int images() const { return static_cast<int>(links.size()); }
  bool fades() const { return law.gains && !noiseless; }
  /// Which fade a use meets: uses of equal index share a gain.
  std::int64_t coherence_index(std::int64_t use) const;
  /// How many uses from this one on share its gain.
  std::int64_t coherence_left(std::int64_t use) const;
  /// How many fades the first `uses` uses meet, at least 1.
  std::int64_t intervals(std::int64_t uses) const {
    return uses > 0 ? coherence_index(uses - 1) + 1 : 1;
  }

  FadingLaw law;
  GainError unestimated;   // of a gain that the receiver knows without pilots
  bool over_time = false;  // the slots of a timeline, not images by themselves
  bool noiseless = false;
  double snr_offset_db = 0;       // of the convention `snr`
  double known_interference = 0;  // its power
  std::uint64_t seed = 0;
  std::uint32_t slot = 0;
  PooledVector<std::uint32_t> links;
  PooledVector<double> mean_snr_db;
  PooledVector<std::int32_t>
      receiver_pilots;  // [images] for each gain; 0: the receiver does not estimate
};

/// One link and branch of a realisation: what a GainLaw draws from. Under Doppler the scatter is a
/// sum of sinusoids, N^-1/2 sum exp(j(w n cos a_i + phi_i)) with the angle a_i uniform in the i-th
/// of N equal sectors: its autocorrelation is exactly J0, its E|h|^4 is 2 - 1/N.
class LinkDraws {
 public:
  static constexpr int waves = 64;

  LinkDraws(const Fading& fading, int image, int branch);

  std::uint32_t link() const { return link_; }
  std::uint32_t slot() const { return fading_.slot; }
  bool over_time() const { return fading_.over_time; }

  /// Random words of one interval. Another `round` gives others, for laws that need more than four
  /// words or do not know how many (rejection); scatter() is made of round 0.
  RandomWords words(std::int64_t interval, int slots_before, std::uint32_t round = 0) const;
  /// Words that stay for the link, whatever the slot.
  RandomWords lasting_words() const {
    return philox(fading_.seed, Purpose::line_of_sight, link_, 0, branch_);
  }
  /// CN(0, 1) for the intervals from `first` on: independent, or following each other under
  /// Doppler.
  void scatter(std::int64_t first, int slots_before, std::span<std::complex<double>> out) const;

 private:
  std::complex<double> wave_sum(double n) const;

  const Fading& fading_;
  std::uint32_t link_, branch_;
  std::array<double, waves> rate_, phase_;  // under Doppler: radians an interval, radians
};

/// The gains of one link over time.
class LinkGains {
 public:
  /// `intervals`: how many will be asked for one after the other; they are drawn some at a time.
  explicit LinkGains(const Fading& fading, int image, int branch = 0, std::int64_t intervals = 1)
      : fading_(fading), draws_(fading, image, branch), intervals_(intervals) {}

  std::complex<double> at(std::int64_t interval, int slots_before = 0);

 private:
  static constexpr std::int64_t most_ahead = 16;

  const Fading& fading_;
  LinkDraws draws_;
  std::int64_t intervals_, first_ = 0, count_ = 0;
  std::array<std::complex<double>, most_ahead> ahead_;  // of the intervals from first_ on
};

}  // namespace semwave
