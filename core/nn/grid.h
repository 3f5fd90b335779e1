// The grid of tokens of one image, and how attention cuts it.
#pragma once

namespace semwave {

struct Grid {
  int height = 0, width = 0;  // tokens, counted row by row

  int tokens() const { return height * width; }
  bool operator==(const Grid&) const = default;
};

/// How a block cuts the grid: windows of side x side tokens, the first ones cut off by `offset`
/// rows and columns. Side 0: the whole image is one window.
struct AttentionWindows {
  int side = 0, offset = 0;
};

}  // namespace semwave
