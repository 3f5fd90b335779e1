// How gains are drawn: the interface behind every fading kind of channel (channel/kind/), in the
// tree or outside of it. Coherence, Doppler, branches and what either end knows are the business of
// channel/fading/fading.h and channel/csi/known_gains.h, the same for every law.
#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <span>

#include "phy/digital/quantiser.h"

namespace semwave {

class LinkDraws;

/// Immutable; any number of threads share one.
class GainLaw {
 public:
  virtual ~GainLaw() = default;

  /// The gains of the intervals `first`, `first` + 1, ... of one link and branch, `slots_before`
  /// slots earlier (only for one gain per burst). A gain is a function of link, slot, branch and
  /// interval alone (LinkDraws), whatever was drawn before. No heap memory.
  virtual void draw(const LinkDraws& link, std::int64_t first, int slots_before,
                    std::span<std::complex<double>> gains) const = 0;

  /// E|h|^2. A kind whose snr_db is the mean SNR keeps it at 1.
  virtual double mean_power() const { return 1; }

  /// Re E[h(n) h*(0)] / E|h|^2 of gains n intervals apart, n > 0; `scatter`: that of
  /// LinkDraws::scatter, 0 without Doppler.
  virtual double correlation([[maybe_unused]] double n, double scatter) const { return scatter; }

  // What is missing of a gain that the receiver knows no better than by csi.receiver. These are
  // told to the equaliser.

  /// E|h - h'|^2, h' the gain `slots` slots before; `correlation` as above.
  virtual double late_error([[maybe_unused]] int slots, double correlation) const {
    return 2 * mean_power() * (1 - correlation);
  }
  /// E|h - 1|^2: a gain that is taken for 1. As it stands: of a phase that may be any.
  virtual double unknown_error() const { return mean_power() + 1; }
  /// One real dimension of h in 2^bits cells of equal width over +-range. As it stands: of CN(0,
  /// 1).
  virtual QuantisedNormal quantised(int bits, double range) const {
    return quantised_normal(bits, range);
  }

  /// Whether the gain of one image says something of the next one's, where each image is a link by
  /// itself: a measured trace does, a draw for each image does not.
  virtual bool follows_images() const { return false; }

  /// The law of |h|, for the convention `fading: real`; null where that has no such reading.
  virtual std::shared_ptr<const GainLaw> real_valued() const { return nullptr; }
};

}  // namespace semwave
