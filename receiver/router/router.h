// Which experts a row uses. Logits come from the token and its noise after equalisation, in fp32.
#pragma once

#include <memory>

#include "core/config/registry.h"
#include "core/nn/architecture.h"
#include "core/ops/ops.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"

namespace semwave {

class Router {
 public:
  virtual ~Router() = default;
  /// Logits [rows, experts] of the rows entering the experts of `block`; x is token | log10 noise
  /// variance, [rows, dim + 1].
  virtual Var logits(Pass& pass, int block, const Var& x) const = 0;
  /// Operations of the logits of `rows` rows of one block, as the pass counts them
  /// (core/ops/operations.h): for `semwave budget`.
  virtual double routing_operations([[maybe_unused]] double rows) const { return 0; }
  /// Experts a row runs through.
  virtual int k() const = 0;
};

/// What a block routed, for balance losses and expert load.
struct RoutedBlock {
  Var logits;
  Routing routing;
};

using RouterRegistry = Registry<std::unique_ptr<Router>, ParameterSet&, const Architecture&>;
/// top_k.
RouterRegistry& routers();

}  // namespace semwave
