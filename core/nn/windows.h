// Attention in windows (Liu et al. 2021, Swin): tokens of a picture attend to those of their own
// window. Every other block has its windows moved by half a side, so that neighbours meet. Ragged
// as everything here: a window has the tokens that are left of it, at the edge of a picture it is
// smaller, and nothing is rolled round or masked.
#pragma once

#include <cstdint>

#include "core/base/pooled_vector.h"
#include "core/nn/grid.h"
#include "core/ops/ops.h"
#include "core/tensor/parameter.h"
#include "core/tensor/pass.h"
#include "core/tensor/ragged.h"

namespace semwave {

/// The rows of a layout, sorted by image, then by window.
struct WindowedRows {
  RaggedPtr layout;                  // an "image" for each window that has a row; positions are
                                     // places within the window, row by row
  PooledVector<std::int32_t> order;  // [rows] row of the layout behind each
  PooledVector<std::int32_t> back;   // [rows] where each row of the layout stands
};
WindowedRows cut_into_windows(const Ragged& layout, const Grid& grid,
                              const AttentionWindows& shape);

/// What attention() counts over the windows of one image of which `rows` tokens are left: the whole
/// grid, or the mean over all choices of so many of its tokens.
double windowed_attention_operations(double rows, double dim, const Grid& grid,
                                     const AttentionWindows& shape);

/// A learned number for each head and each displacement within a window, [(2 side - 1)^2, heads]
/// (row displacement first), added to the scores (Liu et al. 2021, section 3.2).
class RelativePositionBias {
 public:
  RelativePositionBias(ParameterSet& set, const std::string& name, int side, int heads);
  /// As attention() takes it: [heads, side^2, side^2].
  Var operator()(Pass& pass) const;

 private:
  int heads_, places_;
  const Parameter* table_;
  PooledVector<std::int32_t> entries_;  // [heads side^4] of the table, flat
};

}  // namespace semwave
