// What `semwave calibrate` does: every exit head of a model hears every image of the scenario's
// source; its temperature, its calibration error and thresholds for mean depths come out.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/data/dataset.h"
#include "experiment/run/model.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

/// What the heads said: of each, [images, classes].
struct HeadWords {
  int classes = 0;
  std::vector<std::int32_t> labels;
  std::vector<std::vector<float>> heads;  // by depth from 1
};
/// Images are planned for and sent as the scenario says, to the network's full depth. Throws Error
/// where the exit is not `fixed`, a plan is less deep or drops all tokens, the model has no heads,
/// or the source is the test split or training images.
HeadWords hear_heads(const Scenario& scenario, const Model& model, const Dataset& data,
                     ThreadPool& pool, int shard);

/// Of one head.
struct CalibratedHead {
  int depth = 0;
  double accuracy = 0, temperature = 1, error = 0, error_calibrated = 0;  // expected calibration
                                                                          // error before and after
};
/// Where images leave by the thresholds of one q.
struct DepthBudget {
  double q = 0, mean_depth = 0, accuracy = 0;  // of the heads where they leave
  std::vector<double> thresholds;
};
struct Calibration {
  std::vector<CalibratedHead> heads;
  std::vector<DepthBudget> budgets;  // q from 0.05 to 2, ascending
  /// The one of the largest mean depth that is at most `depth`; else the shallowest.
  const DepthBudget& for_depth(double depth) const;
};
Calibration calibrate(const HeadWords& words);

/// The exit rule `budgeted` with these numbers, for a scenario.
Json budgeted_exit(const Calibration& calibration, const DepthBudget& budget, bool answer,
                   const std::string& model_sha256);

}  // namespace semwave
