#include "channel/fading/multipath.h"

#include <cmath>
#include <numbers>

namespace semwave {
namespace {

TapProfile profile(std::string name,
                   const std::vector<std::pair<double, double>>& delay_ns_and_db) {
  TapProfile made{std::move(name), {}};
  double sum = 0;
  for (const auto& [delay, db] : delay_ns_and_db) {
    made.taps.push_back({delay, std::pow(10, db / 10)});
    sum += made.taps.back().power;
  }
  for (Tap& tap : made.taps) tap.power /= sum;
  return made;
}

}  // namespace

const std::vector<TapProfile>& tap_profiles() {
  static const std::vector<TapProfile> profiles{profile("A30", {{0, -15.5},
                                                                {10, 0},
                                                                {15, -5.1},
                                                                {20, -5.1},
                                                                {25, -9.6},
                                                                {50, -8.2},
                                                                {65, -13.1},
                                                                {75, -11.5},
                                                                {105, -11},
                                                                {135, -16.2},
                                                                {150, -16.6},
                                                                {290, -26.2}}),
                                                profile("B100", {{0, 0},
                                                                 {10, -2.2},
                                                                 {20, -0.6},
                                                                 {30, -0.6},
                                                                 {35, -0.3},
                                                                 {45, -1.2},
                                                                 {55, -5.9},
                                                                 {120, -2.2},
                                                                 {170, -0.8},
                                                                 {245, -6.3},
                                                                 {330, -7.5},
                                                                 {480, -7.1}}),
                                                profile("C300", {{0, -6.9},
                                                                 {65, 0},
                                                                 {70, -7.7},
                                                                 {190, -2.5},
                                                                 {195, -2.4},
                                                                 {200, -9.9},
                                                                 {240, -8},
                                                                 {325, -6.6},
                                                                 {520, -7.1},
                                                                 {1045, -13},
                                                                 {1510, -14.2},
                                                                 {2595, -16}})};
  return profiles;
}

double TapProfile::mean_delay_ns() const {
  double mean = 0;
  for (const Tap& tap : taps) mean += tap.power * tap.delay_ns;
  return mean;
}

double TapProfile::rms_delay_ns() const {
  const double mean = mean_delay_ns();
  double square = 0;
  for (const Tap& tap : taps) square += tap.power * (tap.delay_ns - mean) * (tap.delay_ns - mean);
  return std::sqrt(square);
}

std::complex<double> TapProfile::frequency_correlation(double df) const {
  std::complex<double> sum;
  for (const Tap& tap : taps)
    sum += std::polar(tap.power, 2 * std::numbers::pi * df * tap.delay_ns * 1e-9);
  return sum;
}

std::vector<SampledTap> sampled(const TapProfile& profile, double sample_ns) {
  std::vector<SampledTap> made;
  for (const Tap& tap : profile.taps) {
    const auto delay = static_cast<int>(std::lround(tap.delay_ns / sample_ns));
    if (made.empty() || made.back().delay != delay) made.push_back({delay, 0});
    made.back().power += tap.power;
  }
  return made;
}

}  // namespace semwave
