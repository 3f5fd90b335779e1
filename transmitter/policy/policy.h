// How much: a plan for each image, from what is believed about its channel and from nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "channel/csi/csi.h"
#include "core/base/pooled_vector.h"
#include "core/config/registry.h"
#include "transmitter/policy/plan.h"

namespace semwave {

class Policy {
 public:
  virtual ~Policy() = default;
  /// One plan a state. `links` [states] matters to a policy that remembers; links of one call are
  /// distinct. Calls for other links may run at the same time.
  virtual PooledVector<Plan> plan(const PooledVector<ChannelState>& states,
                                  std::span<const std::uint32_t> links = {}) = 0;
  /// How many blocks there are, for plans that ask for all. Once, before the first plan.
  virtual void fit(int /*blocks*/) {}
  /// Every plan it can ask for, so that a scenario is checked before it runs.
  virtual PooledVector<Plan> plans() const = 0;
  /// SHA-256 of the checkpoint its figures were measured with, empty where it holds none; and the
  /// gate and the positions they were measured with, as a scenario says them, empty where any will
  /// do.
  virtual std::string made_for() const { return {}; }
  virtual Json made_with() const { return Json::object(); }

  /// One plan for every state.
  virtual bool constant() const { return false; }
  /// Knows the channel as it is, whatever the scenario lets its transmitter know.
  virtual bool knows_the_channel() const { return false; }

  /// A policy with a memory of each link plans for a timeline only: `begin` before it, `passed`
  /// after each slot with the images that came to each link and the channel uses of what it sent.
  /// Its plans may hold an image back.
  virtual bool remembers() const { return false; }
  /// What one link spends depends on what the others did: links are then no independent samples of
  /// one another.
  virtual bool couples_links() const { return false; }
  virtual void begin(std::size_t /*links*/) {}
  virtual void passed(std::span<const int> /*arrived*/, std::span<const double> /*channel_uses*/) {}
};

using PolicyRegistry = Registry<std::unique_ptr<Policy>>;
/// fixed, table, pareto, oracle, drift_plus_penalty.
PolicyRegistry& policies();

}  // namespace semwave
