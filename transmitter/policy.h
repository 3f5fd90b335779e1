// How much: a plan for each image, from what is believed about its channel and from nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "channel/channel.h"
#include "core/list.h"
#include "core/registry.h"
#include "transmitter/plan.h"

namespace semwave {

class Policy {
 public:
  virtual ~Policy() = default;
  virtual List<Plan> plan(const List<ChannelState>& states) = 0;
  /// Every plan it can ask for, so that a scenario is checked before it runs.
  virtual List<Plan> plans() const = 0;
};

using PolicyRegistry = Registry<std::unique_ptr<Policy>>;
/// fixed, table.
PolicyRegistry& policies();

}  // namespace semwave
