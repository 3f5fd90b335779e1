// How the symbols of an image pass where a channel use is more, or less, than one symbol under one
// gain: streams of several antennas, tones of OFDM, bits that flip. An interface, so that a kind of
// channel (channel/kind/) may bring its own. The burst is known as a whole, the signal really goes
// through antennas or samples, and each symbol comes out as one gain and one residue, which holds
// noise and what other symbols left behind.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <span>

#include "channel/csi/csi.h"
#include "channel/fading/fading.h"
#include "channel/impairment/disturbance.h"
#include "core/tensor/pass.h"
#include "phy/burst/ledger.h"

namespace semwave {

/// y = gain x + residue, and what the receiver knows: a gain, and the variance of the noise it
/// expects (the error of that gain on top).
struct Carried {
  std::complex<double> gain{1.0, 0.0}, known{1.0, 0.0}, residue;
  double variance = 0;
};

/// What one image meets on its way. Noise, impulses and interference are in `disturbance`.
struct Crossing {
  const Fading& fading;
  int image;  // of the shard
  const Draws& draws;
  const Csi& receiver;
  const Disturbance& disturbance;
};

/// Immutable; any number of threads share one.
class Passage {
 public:
  virtual ~Passage() = default;

  /// Gains of a use, FadingLaw::branches.
  virtual int branches() const { return 1; }
  /// Symbols that share a use, each of which needs pilots of its own.
  virtual int streams() const { return 1; }
  /// Uses it sends at a time, prefix included; 1: it has no such frames. A frame lays out its own
  /// pilots and takes one interval of coherence `symbol`.
  virtual std::int64_t frame_uses() const { return 1; }

  /// Header, payload, pilots and prefix of so many symbols of header and of everything else. As it
  /// stands: streams() symbols a use.
  virtual Ledger uses(std::int64_t header, std::int64_t payload, const FadingLaw& fading,
                      int receiver_pilots) const;

  /// The power gain at which one symbol alone would carry what they carry together.
  virtual double power(std::span<const std::complex<double>> branches, double noise) const = 0;
  /// Its mean over the fades, which a belief holds where gains change within the burst.
  virtual double mean_power() const = 0;
  /// For a channel that flips bits and has no SNR: what a sender believes, whatever was observed.
  /// Such a channel carries QPSK alone.
  virtual std::optional<double> believed_snr_db() const { return {}; }

  /// All symbols of an image, header first. `out`: one for each of `x`.
  virtual void carry(const Crossing& crossing, std::span<const std::complex<double>> x,
                     std::span<Carried> out) const = 0;
};

/// `streams` symbols a use: whole uses, and pilots for each gain they meet.
Ledger uses_of_symbols(std::int64_t header, std::int64_t payload, int streams,
                       const FadingLaw& fading, int receiver_pilots);

/// Several gains as one: that at which one symbol would carry their mean, log2(1 + |h|^2 / noise).
class MeanCarried {
 public:
  explicit MeanCarried(double noise /*above 0*/) : noise_(noise) {}
  void add(double power);
  double power() const;

 private:
  double noise_, carried_ = 0, parts_ = 0;
};

}  // namespace semwave
