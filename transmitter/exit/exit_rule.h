// How deep: after each depth, which images leave the transmitter's blocks.
#pragma once

#include <memory>
#include <span>

#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/tensor/parameter.h"
#include "transmitter/policy/plan.h"

namespace semwave {

/// Decides for one image at a time, from its own numbers alone. The plan's exit_depth is the
/// deepest allowed and is enforced by the caller. A training pass asks no head: there the plan's
/// depth holds.
class ExitRule {
 public:
  virtual ~ExitRule() = default;
  /// Whether it wants to hear the exit head behind `depth` blocks, 1 or more, before it decides;
  /// the head is computed for those images alone.
  virtual bool asks(int /*depth*/, const Plan& /*plan*/) const { return false; }
  /// Does the image leave after `depth` blocks? `logits` [classes] are what the head said, empty
  /// where it was not asked (or the image has no token). To leave by what the head said is to be
  /// sure.
  virtual bool leaves(int depth, const Plan& plan, std::span<const float> logits) const = 0;
  /// Whether an image that is sure sends the head's class in its header, and no token.
  virtual bool answers() const { return false; }
  /// Whether the network has what the rule needs. Throws Error at `place`, that of the rule.
  virtual void check(const Architecture& /*architecture*/, const Place& /*place*/) const {}
  /// Whether it looks at the image or computes anything: what it then costs cannot be told from the
  /// plan alone. False only where every image leaves at its plan's depth.
  virtual bool looks() const { return true; }
};

using ExitRegistry = Registry<std::unique_ptr<ExitRule>, ParameterSet&, const Architecture&>;
/// fixed, confidence, entropy.
ExitRegistry& exits();

/// The same of a rule that a scenario names, before there is a network.
void check_exit(const Json& parameters, const Architecture& architecture, const Place& place);
bool exit_looks(const Json& parameters);

/// Of the softmax of `logits`, in double precision: the largest probability, and the entropy in
/// nats.
double softmax_confidence(std::span<const float> logits);
double softmax_entropy(std::span<const float> logits);

}  // namespace semwave
