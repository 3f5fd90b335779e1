// The min-sum decoder without lanes, packing or skipped work.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "phy/burst/burst.h"
#include "phy/code/ldpc/ldpc_code.h"

namespace semwave {

/// Layered min-sum of one frame as it is written in the literature; `corrected` makes a message of
/// the smallest magnitude.
template <class Corrected>
Bits plain_min_sum(const LdpcCode& code, std::span<const float> soft, int iterations,
                   const Corrected& corrected) {
  std::vector<float> beliefs(soft.begin(), soft.end()), messages(code.columns().size(), 0.0f);
  for (int iteration = 0; iteration < iterations; ++iteration)
    for (int check = 0; check < code.checks(); ++check) {
      const std::span<const std::int32_t> row = code.row(check);
      float* message = messages.data() + code.row_starts()[static_cast<std::size_t>(check)];
      std::vector<float> others;
      for (std::size_t e = 0; e < row.size(); ++e)
        others.push_back(beliefs[static_cast<std::size_t>(row[e])] - message[e]);
      for (std::size_t e = 0; e < row.size(); ++e) {
        float smallest = 1e30f;
        bool negative = false;
        for (std::size_t i = 0; i < row.size(); ++i)
          if (i != e) {
            smallest = std::min(smallest, std::abs(others[i]));
            negative ^= std::signbit(others[i]);
          }
        message[e] = (negative ? -1.0f : 1.0f) * corrected(smallest);
        beliefs[static_cast<std::size_t>(row[e])] = others[e] + message[e];
      }
    }
  Bits bits;
  for (const float belief : beliefs) bits.push_back(belief < 0 ? 1 : 0);
  return bits;
}

}  // namespace semwave
