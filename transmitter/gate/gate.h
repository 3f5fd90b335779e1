// Which tokens are sent. A gate scores the tokens of a grid; the best k of each image stay, rows of
// the others are removed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/pooled_vector.h"
#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

/// What a gate left: the rows that stay and their scores (undefined where the gate does not score).
struct Kept {
  Tokens tokens;
  Var scores;                         // [kept rows, 1]; a loss reaches them straight through
  PooledVector<std::int32_t> source;  // [kept rows] row of the tokens before
  Var all_scores;  // [rows, 1] of every row that was looked at; with a gradient where a score may
                   // be drawn to what dropping the token costs (train.losses.gate)
  Var penalty;     // [1] or undefined: what a training pass adds to its loss, already scaled
};

/// What a gate is asked: the rows of a shard after `depth` blocks.
struct GateQuestion {
  const Tokens& tokens;
  int depth;
  const Var& condition;        // [images, condition_dim] describes channel and plan
  const PooledVector<int>& k;  // [images] how many rows should stay
  int grid;                    // tokens of a whole image: k / grid is the share that is asked for
  float penalty_scale = 0;     // of a penalty; 0: none is wanted
};

class Gate {
 public:
  virtual ~Gate() = default;
  /// The rows that stay, in ascending position. This one scores the rows, adds noise in training
  /// and keeps the best k of each image; a gate that chooses otherwise writes its own. An image's
  /// choice depends on its own rows alone.
  virtual Kept select(Pass& pass, const GateQuestion& question) const;
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
  /// Whether it reads Tokens::received, which the block before it then computes.
  virtual bool wants_received() const { return false; }
  /// Whether an image's content decides how many of its tokens stay: what it then costs cannot be
  /// told from the plan alone.
  virtual bool looks() const { return false; }
  /// Whether it may stand behind `depth` blocks, by itself or because an image leaves there. Throws
  /// Error at `place`.
  virtual void check_depth(int /*depth*/, const Place& /*place*/) const {}
};

using GateRegistry = Registry<std::unique_ptr<Gate>, ParameterSet&, const Architecture&>;
/// Those of kinds.h; a program of its own may add to it before it reads a scenario
/// (docs/extending/gate.md).
GateRegistry& gates();

/// What a gate that a scenario names says of itself, before there is a network.
void check_gate(const Json& parameters, const std::vector<int>& depths,
                const Architecture& architecture, const Place& place);
bool gate_looks(const Json& parameters);

/// Of one image: the rows [first, first + count) in descending score, the best `k` of them then
/// ascending. Of equal scores (and of NaN, which counts as lowest) the lower row wins.
PooledVector<std::int32_t> best_rows(std::span<const float> scores /*of all rows*/, int first,
                                     int count, int k);
/// The rows of `source`, ascending, as tokens with their scores (which may be undefined).
Kept keep_rows(Pass& pass, const Tokens& tokens, const Var& scores,
               PooledVector<std::int32_t> source);
/// Keeps the best min(k[i], rows of image i) of each image, in ascending position.
Kept keep_best(Pass& pass, const Gate& gate, const Tokens& tokens, const Var& scores,
               const PooledVector<int>& k);

/// For gates that do not take exactly k: the rows of a score above 0, of each image at least its
/// best one and none where k is 0.
PooledVector<std::int32_t> rows_above_zero(Backend& backend, const Tensor& scores /*[rows, 1]*/,
                                           const Ragged& layout, const PooledVector<int>& k);
/// And what holds their share of the grid to the one asked for, a = k / grid: the sum over images
/// of penalty_scale (constant - slope a) (share - a)^2. Its gradient goes straight through the
/// decisions to `stays` [rows, 1], the probabilities of staying.
Var share_penalty(Pass& pass, const GateQuestion& question, const Var& stays, const Ragged& kept,
                  double constant, double slope);

/// The fields every gate has.
Fields gate_fields(const std::string& summary);

}  // namespace semwave
