// Tapped delay lines: the test profiles of 3GPP TS 38.101-4 and 38.104 (made from TR 38.901,
// rounded), A30, B100 and C300, named by their RMS delay spread in ns. Each tap fades by itself,
// Rayleigh; the powers of a profile sum to 1.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace semwave {

struct Tap {
  double delay_ns = 0;
  double power = 0;  // linear, of a profile that sums to 1
};

struct TapProfile {
  std::string name;
  std::vector<Tap> taps;  // by delay

  double mean_delay_ns() const;
  double rms_delay_ns() const;
  /// E[H(f) H*(f + df)], df in Hz.
  std::complex<double> frequency_correlation(double df) const;
};

const std::vector<TapProfile>& tap_profiles();

/// A tap on the grid of a receiver that samples.
struct SampledTap {
  int delay = 0;  // samples
  double power = 0;
};
/// Each tap at the nearest sample; the powers of taps that meet in one add up (independent Rayleigh
/// taps are together one Rayleigh tap).
std::vector<SampledTap> sampled(const TapProfile& profile, double sample_ns);

}  // namespace semwave
