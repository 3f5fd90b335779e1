// What a layer needs to run once over one shard: where, whether it is differentiated, which draws.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/tensor/backend.h"
#include "core/tensor/parameter.h"
#include "core/tensor/tape.h"

namespace semwave {

/// Two-phase statistics of a batch: every shard declares its sums in its forward pass, `reduce`
/// adds them in shard order, and backward steps read the totals. So a loss that couples a batch
/// does not depend on how the batch was cut. `declare` may be called by different shards at once;
/// each writes its own slot.
class BatchStatistics {
 public:
  explicit BatchStatistics(int shards) : slots_(static_cast<std::size_t>(shards)) {}
  void declare(int shard, const std::string& name,
               const std::vector<double>& sums);  // adds if declared before
  void reduce();
  /// After `reduce`; empty where no shard declared the name.
  const std::vector<double>& total(const std::string& name) const;

 private:
  std::vector<std::map<std::string, std::vector<double>>> slots_;
  std::map<std::string, std::vector<double>> totals_;
};

/// Key and fixed part of every draw of a pass; see core/random/random.h.
struct Draws {
  std::uint64_t seed = 0;
  std::uint32_t visit = 0;             // epoch, repeat or slot
  PooledVector<std::uint32_t> images;  // [images of the shard] ids the draws are keyed by
};

struct Pass {
  Backend& backend;
  Tape* tape = nullptr;                  // none: inference, nothing is kept
  const Gradients* gradients = nullptr;  // lane of this shard; with a tape only
  Draws draws;
  bool training = false;
  BatchStatistics* statistics = nullptr;  // with a tape only
  int shard = 0;
  double operations = 0;  // really executed so far; one multiply-add is 2

  bool recording() const { return tape != nullptr; }
  /// A parameter as a value; its gradient goes to this shard's lane.
  Var parameter(const Parameter& parameter) const;
  /// The result of an op: needs a gradient where the pass records and any input does.
  Var output(Tensor value, std::initializer_list<const Var*> inputs) const;
};

}  // namespace semwave
