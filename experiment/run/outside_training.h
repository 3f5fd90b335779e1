// What to say of a run whose channel goes beyond the SNRs that its models were trained for
// (channel/trained_range.h).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "channel/trained_range.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

class OutsideTraining {
 public:
  /// A point of the run, and what its model was trained for.
  void add(const Scenario& point, const std::optional<TrainedRange>& trained);
  /// At most one line for each range and end of it, with the farthest SNR of all points; none where
  /// every point stays inside.
  std::vector<std::string> lines() const;

 private:
  std::map<std::pair<double, double>, TrainedRange>
      met_;  // [low, high] of a model -> mean SNRs it meets; infinite without noise
};

}  // namespace semwave
