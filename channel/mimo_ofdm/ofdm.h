// Orthogonal frequency-division multiplexing with a cyclic prefix. Data symbols fill the tones of
// one OFDM symbol after the other; the last one's empty tones stay silent and are paid for all the
// same. Unitary DFT, so a tone of unit power meets noise of variance N0.
//
// y[t] = sum over taps a_l x[t - d_l] + w[t], the a_l constant within an OFDM symbol (what reaches
// in from the one before meets the new ones). As long as no delay exceeds the prefix every tone is
// Y = H X + W with H[k] = sum a_l exp(-j 2 pi k d_l / N). A tap e samples beyond it keeps 1 - e/N
// of its amplitude in H; the rest, power p_l (e/N) (2 - e/N) with every tone filled, arrives as
// interference from the other tones and from the symbol before.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "channel/fading/multipath.h"
#include "phy/burst/ledger.h"

namespace semwave {

enum class PilotLayout : std::uint8_t {
  tones,    // every so many tones of each OFDM symbol, from tone 0
  symbols,  // a whole OFDM symbol before every so many
};

struct OfdmSettings {
  int subcarriers = 64;  // FFT size, a power of two from 8 to 4096; every tone is used
  double spacing_khz = 60;
  int prefix = 16;  // samples, at most `subcarriers`
  PilotLayout layout = PilotLayout::tones;
  int pilot_spacing = 4;
};

/// Immutable; any number of threads may share one.
class Ofdm {
 public:
  /// Throws PartError at "/prefix" where a delay is longer than prefix and symbol together.
  Ofdm(const OfdmSettings& settings, const TapProfile& profile);

  const OfdmSettings& settings() const { return settings_; }
  const std::vector<SampledTap>& taps() const { return taps_; }
  double sample_ns() const { return 1e6 / (settings_.subcarriers * settings_.spacing_khz); }
  double symbol_seconds() const {
    return (settings_.subcarriers + settings_.prefix) * sample_ns() * 1e-9;
  }

  /// OFDM symbols, pilot ones included, for so many data symbols.
  std::int64_t symbols(std::int64_t data, bool pilots) const;
  bool is_pilot(std::int64_t symbol, int tone, bool pilots) const;
  /// Uses of a burst with these header and payload symbols: samples, each counted where it belongs.
  /// What stays empty counts as payload, or as header where there is no payload.
  Ledger uses(std::int64_t header, std::int64_t payload, bool pilots) const;
  /// What a pilot is on this tone: of modulus 1, a quadratic phase, so that its samples have equal
  /// power too.
  std::complex<double> pilot(int tone) const;

  /// In place, [subcarriers].
  void to_time(std::span<std::complex<double>> tones) const { transform(tones, true); }
  void to_tones(std::span<std::complex<double>> samples) const { transform(samples, false); }
  /// Own-tone gains from the gains of the taps: `tap_gains` [taps], `tones` [subcarriers].
  void tone_gains(std::span<const std::complex<double>> tap_gains,
                  std::span<std::complex<double>> tones) const;
  /// E[H[k] H*[k + apart]] over the fades.
  std::complex<double> correlation(int apart) const;
  /// Linear interpolation, round from the last pilot tone to the first, of what stands at the pilot
  /// tones of `tones`.
  void interpolate(std::span<std::complex<double>> tones) const;
  /// E|H[k] - interpolated|^2 over fades and noise where a pilot's own error is CN(0, pilot_error).
  double interpolation_error(int tone, double pilot_error) const {
    return bias_[static_cast<std::size_t>(tone)] +
           pilot_share_[static_cast<std::size_t>(tone)] * pilot_error;
  }

 private:
  void transform(std::span<std::complex<double>> values, bool inverse) const;

  OfdmSettings settings_;
  std::vector<SampledTap> taps_;
  std::vector<std::complex<double>> roots_;  // exp(-j 2 pi k / N), k < N/2
  std::vector<double> bias_, pilot_share_;   // [subcarriers] of interpolation: mean squared error
                                             // without noise, share of a pilot's noise
};

}  // namespace semwave
