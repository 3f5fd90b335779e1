// The sending end: picks which tokens to send and how deep to compute, maps features to I/Q
// symbols.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "channel/channel.h"
#include "core/base/pooled_vector.h"
#include "core/nn/architecture.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"
#include "phy/burst/burst.h"
#include "transmitter/policy/plan.h"

namespace semwave {

/// What the head behind one block said about the images that were inside there.
struct ExitLogits {
  int depth = 0;
  PooledVector<std::int32_t>
      images;  // which of the shard, ascending; those without a token are not asked
  Var logits;  // [images.size(), classes]
};

/// What a pair notes of one image beside what all pairs have; -1: nothing. What each number means,
/// the pair knows (experiment/pair/pair.h).
using PairNotes = std::array<std::int32_t, 4>;
inline constexpr PairNotes no_notes = {-1, -1, -1, -1};

/// What a transmission did, for metrics, losses and explanations. Not on the air.
struct TransmitTrace {
  RaggedPtr layout;  // of the sent tokens
  Var scores;        // [grid rows, 1] of the first gate, undefined without a scoring gate
  RaggedPtr scored;  // layout the scores belong to
  PooledVector<int> exit_depth;  // [images]
  PooledVector<std::int32_t>
      answer;                  // [images] the class that was sent instead of tokens; -1: none
  PooledVector<int> leave_at;  // [images] or empty; set by training: an image leaves here though
                               // its plan may say deeper, as one does whose head is sure
  double hardness = 1;  // set by training: of the quantiser of a digital link, as its gradient sees
                        // it (phy/digital/quantiser.h)
  float penalty_scale = 0;  // set by training: of what a gate adds to the loss (gate.h); 0: nothing
  PooledVector<Var> penalties;  // [1] each, already scaled
  bool asks_heads = false;  // set by the caller: every image inside goes through every exit head it
                            // passes, as training needs
  PooledVector<ExitLogits> exits;  // by depth, where asks_heads
  PooledVector<PairNotes> notes;   // [images] or empty: nothing is noted
};

/// What one image will cost that does what its plan says.
struct Forecast {
  int tokens = 0, exit_depth = 0;
  double operations = 0;  // as the pass would count them
  Ledger uses;            // payload and header
  HeaderOnAir
      header;  // as long as the real one and in its format; which positions it names is drawn
};

class Transmitter {
 public:
  virtual ~Transmitter() = default;
  /// images [B, H, W, C] in [0, 1]; one state and one plan per image. Throws Error for a plan
  /// beyond the model.
  virtual Burst transmit(Pass& pass, const Tensor& images, const PooledVector<ChannelState>& states,
                         const PooledVector<Plan>& plans, TransmitTrace* trace = nullptr) const = 0;
  /// What transmit() would spend on one image, without running anything; nullopt where the exit
  /// looks at the image. Throws Error for a plan beyond the model.
  virtual std::optional<Forecast> forecast(
      const ChannelState& state, const Plan& plan,
      std::uint32_t image = 0 /*which positions are drawn*/) const = 0;
  /// Operations of one image with every token and every block. Its size matters where any size
  /// goes through.
  virtual double dense_operations(int height, int width) const = 0;
};

}  // namespace semwave
