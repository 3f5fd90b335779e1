// Predicted losses held against what happens, both ways.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/phy/transport/lost_frames.h"

namespace semwave {

/// `frames` at the SNR at which `loss` is predicted: the count must be one of a waterfall at most
/// so many dB away, four standard errors apart. Returns how many dB the prediction is pessimistic.
inline double expect_loss(std::int64_t bits, const ModulationCoding& coding, double loss,
                          int frames, double within_db) {
  const double snr_db = snr_db_for(bits, coding, loss);
  const LostFrames met = lose(Transport(bits, coding), snr_db, frames);
  const double most = frames * predicted_loss(bits, coding, snr_db - within_db);
  const double least = frames * predicted_loss(bits, coding, snr_db + within_db);
  EXPECT_LE(met.lost, most + 4 * std::sqrt(most))
      << coding.name() << ", " << bits << " bits: optimistic at " << snr_db << " dB";
  EXPECT_GE(met.lost, least - 4 * std::sqrt(least))
      << coding.name() << ", " << bits << " bits: pessimistic at " << snr_db << " dB";
  return snr_db_for(bits, coding, std::max(met.lost, 1) / static_cast<double>(frames)) - snr_db;
}

}  // namespace semwave
