// Ragged token rows: dropping a token removes its row, so what is skipped is never computed.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>

#include "core/base/pooled_vector.h"
#include "core/tensor/tape.h"

namespace semwave {

/// Which image and which place of its grid each row belongs to. Rows of one image are adjacent, in
/// the order of the images; an image may have no row. Immutable once shared.
struct Ragged {
  PooledVector<std::int32_t> starts{
      0};  // [images + 1] first row of each image; the last entry is rows()
  PooledVector<std::int32_t>
      positions;                     // [rows] place in the image's grid, ascending within an image
  PooledVector<std::int32_t> image;  // [rows] which image of the shard

  int images() const { return static_cast<int>(starts.size()) - 1; }
  int rows() const { return static_cast<int>(positions.size()); }
  int rows_of(int i) const {
    return starts[static_cast<std::size_t>(i) + 1] - starts[static_cast<std::size_t>(i)];
  }

  /// Every place of a grid of `grid` tokens, for `images` images.
  static std::shared_ptr<const Ragged> full(int images, int grid);
  /// Grown image by image: `append` the next place of the image, ascending; `end_image` when it has
  /// no more.
  void append(std::int32_t position) {
    assert(rows() == starts.back() || position > positions.back());
    positions.push_back(position);
    image.push_back(images());
  }
  void end_image() { starts.push_back(rows()); }
};

using RaggedPtr = std::shared_ptr<const Ragged>;

struct Tokens {
  Var rows;  // [layout->rows(), dim]
  RaggedPtr layout;
  Var received{};  // [rows, 1] attention that each row received in the block before, where a gate
                   // asks for it; it has no gradient
};

}  // namespace semwave
