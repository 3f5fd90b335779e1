// A transformer block whose feed-forward is a mixture of experts: rows are regrouped over the shard
// by expert, only the chosen experts run. With one expert it is a dense block and needs no router.
#pragma once

#include <string>
#include <vector>

#include "core/nn/layers.h"
#include "receiver/router/router.h"

namespace semwave {

class ExpertBlock {
 public:
  ExpertBlock(ParameterSet& set, int index, const Architecture& architecture);
  /// `noise` [rows, 1]: log10 of each row's noise variance. `router` may be null with one expert.
  /// `grid` matters to attention in windows.
  Tokens operator()(Pass& pass, const Tokens& x, const Var& noise, const Var& condition,
                    const Router* router, RoutedBlock* routed, const Grid& grid) const;

  /// What it counts for that many rows of one image, and what it would with every expert at work.
  double operations(double rows, const Router* router, const Grid& grid) const;
  double dense_operations(double rows, const Router* router, const Grid& grid) const;

 private:
  /// `run` rows through experts, `combined` of their answers weighed and added.
  double operations(double rows, const Router* router, double run, double combined,
                    const Grid& grid) const;

  int index_, dim_;
  SelfAttention attention_;
  LayerNorm norm_;
  std::vector<Linear> in_, out_;  // of each expert
};

}  // namespace semwave
