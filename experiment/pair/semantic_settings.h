// What the semantic pair is told by a scenario: its gate, exit and policy, and what its receiver
// does. Training and planning are about these.
#pragma once

#include <memory>

#include "core/config/json.h"
#include "phy/digital/digital_link.h"
#include "phy/signal/signal.h"

namespace semwave {

struct SemanticSettings {
  Json gate, exit, policy;  // {"kind": ..., ...} for the registries of transmitter/
  bool positions_sent = true;
  std::shared_ptr<const DigitalLink> digital{};  // of transmitter.link; null: analogue
  Equaliser equaliser = Equaliser::mmse;
  Json router;  // for the registry of receiver/
};

}  // namespace semwave
