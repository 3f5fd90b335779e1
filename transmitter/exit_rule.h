// How deep: after each depth, which images leave the transmitter's blocks.
#pragma once

#include <memory>
#include <vector>

#include "core/architecture.h"
#include "core/list.h"
#include "core/parameter.h"
#include "core/pass.h"
#include "core/registry.h"
#include "core/tokens.h"
#include "transmitter/plan.h"

namespace semwave {

class ExitRule {
 public:
  virtual ~ExitRule() = default;
  /// For each image still inside, after `depth` blocks: does it leave? The plan's exit_depth is the deepest allowed and
  /// is enforced by the caller.
  virtual List<std::uint8_t> leaves(Pass& pass, const Tokens& tokens, int depth, const List<Plan>& plans) const = 0;
  /// Whether it looks at the image or computes anything: what it then costs cannot be told from the plan alone. False only where
  /// every image leaves at its plan's depth.
  virtual bool looks() const { return true; }
};

using ExitRegistry = Registry<std::unique_ptr<ExitRule>, ParameterSet&, const Architecture&>;
ExitRegistry& exits();

}  // namespace semwave
