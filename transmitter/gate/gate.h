// Which tokens are sent. A gate scores the tokens of a grid; the best k of each image stay, rows of
// the others are removed.
#pragma once

#include <memory>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

class Gate {
 public:
  virtual ~Gate() = default;
  /// Scores [rows, 1] after `depth` blocks; the highest of each image stay (equal scores: the lower
  /// position). Undefined: the gate never drops anything. `condition` [images, condition_dim]
  /// describes channel and plan.
  virtual Var score(Pass& pass, const Tokens& tokens, int depth, const Var& condition) const = 0;
  /// Whether its score is ever defined. False: it drops nothing whatever it is asked to keep.
  virtual bool drops() const { return true; }
  /// Operations of scoring `rows` tokens of one image, as the pass counts them
  /// (core/ops/operations.h): for `semwave budget`.
  virtual double scoring_operations(double /*rows*/) const { return 0; }
  /// Whether a loss may teach this gate through its scores (straight-through).
  virtual bool learns() const { return false; }
  /// Standard deviation of the noise on scores while training, so that unlikely tokens are tried as
  /// well.
  virtual double exploration() const { return 0; }
};

using GateRegistry = Registry<std::unique_ptr<Gate>, ParameterSet&, const Architecture&>;
/// keep_all, random, learned; a program of its own may add to it before it reads a scenario
/// (docs/extending/gate.md).
GateRegistry& gates();

/// What a gate left: the rows that stay and their scores (undefined where the gate does not score).
struct Kept {
  Tokens tokens;
  Var scores;                         // [kept rows, 1]
  PooledVector<std::int32_t> source;  // [kept rows] row of the tokens before
};
/// Keeps the best min(k[i], rows of image i) of each image, in ascending position.
Kept keep_best(Pass& pass, const Gate& gate, const Tokens& tokens, const Var& scores,
               const PooledVector<int>& k);

}  // namespace semwave
