// AdamW over a parameter set: gradients from fixed lanes, clipping, a learning rate with warm-up
// and cosine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/tensor/checkpoint.h"
#include "core/tensor/parameter.h"

namespace semwave {

class ThreadPool;

struct OptimiserSettings {
  double learning_rate = 1e-3;    // peak, reached at the end of the warm-up
  std::int64_t warmup_steps = 0;  // linear from learning_rate / warmup_steps
  std::int64_t total_steps = 1;   // the cosine ends here; later steps stay at the floor
  double floor_ratio = 0.01;      // last learning rate / learning_rate
  double weight_decay = 0.05;     // decoupled; parameters with `decay` only
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double clip_norm = 1.0;  // of the gradient of all parameters that are not frozen; 0: no clipping
  std::vector<std::string> frozen = {};  // name prefixes that are left as they are
};

struct StepReport {
  double gradient_norm = 0;  // before clipping, frozen parameters left out
  double learning_rate = 0;  // of this step
  bool skipped = false;      // the norm was not finite: nothing changed, the step did not count
};

/// Loshchilov and Hutter 2019 (AdamW). The result does not depend on the number of threads: lanes
/// are added by the fixed tree ((0+1)+(2+3))+((4+5)+(6+7)), or what of it exists, and the norm
/// chunk by chunk in order. Used from one thread.
class Optimiser {
 public:
  /// `parameters` and `pool` outlive the optimiser; without a pool it runs in the caller's thread.
  /// The set is complete by now.
  Optimiser(ParameterSet& parameters, OptimiserSettings settings, ThreadPool* pool = nullptr);

  /// Adds the lanes (at least one, left unchanged), updates, packs the parameters for training.
  StepReport step(const std::vector<Gradients>& lanes);

  std::int64_t steps() const { return steps_; }  // done so far
  /// Of the given step, counted from 1.
  double learning_rate(std::int64_t step) const;

  /// Moments of the parameters that are not frozen ("first_moment.NAME", "second_moment.NAME") and
  /// "optimiser.step" [1], exact up to 2^24; where the moments began at a later step, that one too,
  /// "optimiser.moments_begin" [1].
  std::vector<NamedArray> state() const;
  /// Takes a state back; arrays of other names are passed over. Throws Error with `place` where one
  /// is missing or has another size; then nothing has changed.
  void restore(const std::vector<NamedArray>& arrays, const std::string& place);
  /// Goes on behind `step` steps without moments: the schedule from there, moments and their bias
  /// correction from zero.
  void begin_at(std::int64_t step);

 private:
  struct Chunk {
    Parameter* parameter;
    std::int64_t begin, end;  // elements of the parameter
  };
  void run(int count, const std::function<void(int)>& body);
  bool is_frozen(const std::string& name) const;
  Tensor moment_of(const Tensor& moments, const Parameter& parameter) const;

  ParameterSet& parameters_;
  OptimiserSettings settings_;
  ThreadPool* pool_;
  std::int64_t steps_ = 0, moments_begin_ = 0;
  std::vector<Parameter*> trained_;
  std::vector<Chunk> chunks_;
  Tensor sum_, first_moment_, second_moment_;  // [parameters.size(), 1], places as in a lane
  std::vector<Tensor> partial_sums_;           // one for each further level of the tree
};

}  // namespace semwave
