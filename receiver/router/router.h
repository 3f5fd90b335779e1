// Which experts a row uses. Logits come from the token and its noise after equalisation, in fp32.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/ops/ops.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

/// The rows that enter the experts of a block.
struct RouterInput {
  int block;
  const Var& tokens;     // [rows, dim]
  const Var& described;  // [rows, dim + 1] token | log10 noise variance
  const RaggedPtr& layout;
};

/// The experts of a block: row groups through their experts, group e is
/// [group_starts[e], group_starts[e + 1]).
using Experts = std::function<Var(Pass&, const Var& rows /*[m, dim]*/,
                                  std::span<const std::int32_t> group_starts /*[experts + 1]*/)>;

/// What a block routed, for balance losses and expert load.
struct RoutedBlock {
  Var logits;         // [rows, experts told apart]; undefined: nothing is to be balanced
  Var probabilities;  // their softmax
  Routing routing;    // who went where
};

class Router {
 public:
  virtual ~Router() = default;
  /// Which rows go where, and how much each answer weighs. An image's rows depend on that image
  /// alone.
  virtual RoutedBlock choose(Pass& pass, const RouterInput& input) const = 0;
  /// residual + what the experts make of the rows. This one sends the rows where choose() says.
  virtual Var mix(Pass& pass, const RouterInput& input, const Experts& experts,
                  const Var& residual /*[rows, dim]*/, RoutedBlock* routed) const;
  /// Operations of choosing for `rows` rows of one image of one block, as the pass counts them
  /// (core/ops/operations.h): for `semwave budget`.
  virtual double routing_operations(double /*rows*/) const { return 0; }
  /// The most rows that then run through experts, and the most that are weighed and added up.
  virtual double rows_run(double rows) const = 0;
  virtual double rows_combined(double rows) const { return rows_run(rows); }
  /// Whether it fits the network. Throws Error at `place`, that of the router.
  virtual void check(const Architecture& /*architecture*/, const Place& /*place*/) const {}
  /// After a training step, with the totals of its batch: what is not learned by gradient changes
  /// here.
  virtual void after_step(Backend& /*backend*/, const BatchStatistics& /*statistics*/) const {}
};

using RouterRegistry = Registry<std::unique_ptr<Router>, ParameterSet&, const Architecture&>;
/// Those of kinds.h.
RouterRegistry& routers();

}  // namespace semwave
