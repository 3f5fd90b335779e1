// How deep: after each depth, which images leave the transmitter's blocks.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/tensor/parameter.h"
#include "transmitter/policy/plan.h"

namespace semwave {

/// What an image has shown so far: the word of every head it was asked at, oldest first, and what
/// the transmitter believes of its link.
struct HeardHeads {
  HeardHeads() = default;
  /// One head's word.
  explicit HeardHeads(std::span<const float> one)
      : logits(one), classes(static_cast<int>(one.size())) {}
  HeardHeads(std::span<const float> all, int classes_of_each, double believed_snr_db)
      : logits(all), classes(classes_of_each), snr_db(believed_snr_db) {}

  std::span<const float> logits;  // [heads, classes]; empty: none was asked, or it has no token
  int classes = 0;
  double snr_db = 0;

  bool empty() const { return logits.empty(); }
  int heads() const { return classes > 0 ? static_cast<int>(logits.size()) / classes : 0; }
  std::span<const float> head(int number) const {
    return logits.subspan(static_cast<std::size_t>(number * classes),
                          static_cast<std::size_t>(classes));
  }
  std::span<const float> latest() const { return head(heads() - 1); }
};

/// Decides for one image at a time, from its own numbers alone. The plan's exit_depth is the
/// deepest allowed and is enforced by the caller. A training pass asks no head: there the plan's
/// depth holds.
class ExitRule {
 public:
  virtual ~ExitRule() = default;
  /// Whether it wants to hear the exit head behind `depth` blocks, 1 or more, before it decides;
  /// the head is computed for those images alone.
  virtual bool asks(int /*depth*/, const Plan& /*plan*/) const { return false; }
  /// Does the image leave after `depth` blocks? `heard` is empty where its heads were not asked (or
  /// it has no token); else the latest word is that of the head here. To leave by what the heads
  /// said is to be sure.
  virtual bool leaves(int depth, const Plan& plan, const HeardHeads& heard) const = 0;
  /// Whether an image that is sure sends a class in its header, and no token.
  virtual bool answers() const { return false; }
  /// That class; the latest head's most probable one.
  virtual int answer(const HeardHeads& heard) const;
  /// SHA-256 of the checkpoint its numbers were fitted to; empty: any.
  virtual std::string made_for() const { return {}; }
  /// Whether the network has what the rule needs. Throws Error at `place`, that of the rule.
  virtual void check(const Architecture& /*architecture*/, const Place& /*place*/) const {}
  /// Whether it looks at the image or computes anything: what it then costs cannot be told from the
  /// plan alone. False only where every image leaves at its plan's depth.
  virtual bool looks() const { return true; }
};

using ExitRegistry = Registry<std::unique_ptr<ExitRule>, ParameterSet&, const Architecture&>;
/// fixed, confidence, entropy, and those of head_exit.h.
ExitRegistry& exits();

/// The same of a rule that a scenario names, before there is a network.
void check_exit(const Json& parameters, const Architecture& architecture, const Place& place);
bool exit_looks(const Json& parameters);
std::string exit_made_for(const Json& parameters);

/// Of the softmax of `logits`, in double precision: the largest probability, and the entropy in
/// nats.
double softmax_confidence(std::span<const float> logits, double temperature = 1);
double softmax_entropy(std::span<const float> logits);

}  // namespace semwave
