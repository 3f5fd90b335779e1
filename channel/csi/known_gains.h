// What the receiver knows of the gains an image meets: every kind of channel state information, for
// any number of branches.
#pragma once

#include <complex>
#include <cstdint>

#include "channel/csi/csi.h"
#include "channel/fading/fading.h"
#include "core/base/pooled_vector.h"
#include "core/tensor/pass.h"

namespace semwave {

/// The branches of one image's link, as they are and as the receiver knows them. Lives for one
/// pass.
class KnownGains {
 public:
  /// `intervals`: how many coherence intervals will be asked for, one after the other.
  KnownGains(const Fading& fading, int image, const Csi& csi, const Draws& draws,
             std::int64_t intervals);

  struct Gain {
    std::complex<double> is, known;
  };
  Gain at(std::int64_t coherence_index, int branch);
  std::complex<double> is(std::int64_t coherence_index, int branch) {
    return links_[static_cast<std::size_t>(branch)].at(coherence_index);
  }
  /// E|h - known|^2 of a branch.
  double error_variance() const { return error_.variance; }
  /// E|known^H (h - known)|^2 / |known|^2 over the branches: what combining in maximum ratio leaves
  /// of their errors. The part of them along what is known adds up in step, the rest does not.
  double combined_error_variance() const {
    return error_.variance + (branches() - 1) * error_.along;
  }
  int branches() const { return static_cast<int>(links_.size()); }

 private:
  const Fading& fading_;
  const Csi& csi_;
  const Draws& draws_;
  int image_, pilots_;
  PooledVector<LinkGains> links_;
  GainError error_;
};

/// The error of a gain that the receiver knows without pilots, as `receiver` says.
GainError unestimated_error(const FadingLaw& law, const Csi& receiver);

/// One gain a use, in the order of the uses; several branches are added in maximum ratio, weighted
/// by what is known of them: z = known^H y / |known|. So the noise stays N0, and a receiver that
/// knows every branch has the gain |h|. Each gain is made once for as long as it lasts.
class CombinedGains {
 public:
  /// Of so many uses.
  CombinedGains(const Fading& fading, int image, const Csi& csi, const Draws& draws,
                std::int64_t uses)
      : fading_(fading), branches_(fading, image, csi, draws, fading.intervals(uses)) {}

  const KnownGains::Gain& next() {
    std::int64_t one = 1;
    return next(one);
  }
  /// The gain of the next `uses` uses; where it does not last so long, `uses` becomes how many it
  /// does.
  const KnownGains::Gain& next(std::int64_t& uses);
  void skip(std::int64_t uses) {
    for (std::int64_t lasts = uses; uses > 0; uses -= lasts, lasts = uses) next(lasts);
  }
  /// Mean |h|^2 over the uses so far; of the first use where there was none.
  double mean_power() {
    return use_ > 0 ? power_ / static_cast<double>(use_)
                    : std::norm(combined(fading_.coherence_index(0)).is);
  }
  /// E|h - known|^2 after combining.
  double error_variance() const { return branches_.combined_error_variance(); }

 private:
  KnownGains::Gain combined(std::int64_t index);

  const Fading& fading_;
  KnownGains branches_;
  std::int64_t use_ = 0, index_ = 0;
  KnownGains::Gain gain_;
  double power_ = 0;
};

/// Each dimension of a gain in its cell.
std::complex<double> quantised(std::complex<double> gain, int bits);

}  // namespace semwave
