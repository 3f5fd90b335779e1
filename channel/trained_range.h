// The SNRs that a model was trained for. A network that is told of an SNR it never met answers
// worse than one that is told of the nearest it met: what goes into the networks from the state of
// the channel ends there. Symbols are not touched.
#pragma once

#include <algorithm>
#include <cmath>

namespace semwave {

struct TrainedRange {
  double low_db = 0, high_db = 0;  // low_db <= high_db

  /// What the transmitter's networks are told of a believed SNR, dB.
  double snr_db(double believed) const { return std::clamp(believed, low_db, high_db); }

  /// What the receiver's networks are told of an error variance after equalisation: at least that
  /// of MMSE at the highest SNR, at most that of zero forcing at the lowest. A variance of 1, which
  /// is that of an image of which nothing arrived, stays.
  double variance(double heard) const {
    // Variances are floats: that of the very end must not be moved by its rounding.
    constexpr double slack = 1 + 1e-5;
    const double least = 1 / (1 + std::pow(10, high_db / 10));
    const double most = std::max(1.0, std::pow(10, -low_db / 10));
    return std::clamp(heard, least / slack, most * slack);
  }
};

}  // namespace semwave
