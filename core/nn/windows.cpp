#include "core/nn/windows.h"

#include <algorithm>
#include <cassert>

#include "core/ops/operations.h"

namespace semwave {

namespace {

int windows_along(int tokens, const AttentionWindows& shape) {
  return (tokens + shape.offset + shape.side - 1) / shape.side;
}

/// Tokens of the window with this index along one side of the grid.
int tokens_within(int tokens, int window, const AttentionWindows& shape) {
  const int begin = std::max(0, window * shape.side - shape.offset),
            end = std::min(tokens, (window + 1) * shape.side - shape.offset);
  return end - begin;
}

}  // namespace

WindowedRows cut_into_windows(const Ragged& layout, const Grid& grid,
                              const AttentionWindows& shape) {
  const int side = shape.side, across = windows_along(grid.width, shape);
  const auto windows = static_cast<std::size_t>(windows_along(grid.height, shape) * across);
  const auto cut = make_block_shared<Ragged>();
  WindowedRows made;
  made.order.reserve(static_cast<std::size_t>(layout.rows()));
  made.back.resize(static_cast<std::size_t>(layout.rows()));
  PooledVector<std::int32_t> window, place, next(windows + 1);
  for (int image = 0; image < layout.images(); ++image) {
    const std::int32_t first = layout.starts[static_cast<std::size_t>(image)];
    const auto rows = static_cast<std::size_t>(layout.rows_of(image));
    // A counting sort keeps rows of one window in the order of their places.
    window.resize(rows);
    place.resize(rows);
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int32_t position = layout.positions[static_cast<std::size_t>(first) + r];
      assert(position < grid.tokens());
      const int y = position / grid.width + shape.offset, x = position % grid.width + shape.offset;
      window[r] = y / side * across + x / side;
      place[r] = y % side * side + x % side;
      ++next[static_cast<std::size_t>(window[r]) + 1];
    }
    for (std::size_t w = 0; w < windows; ++w) next[w + 1] += next[w];
    const std::size_t begun = made.order.size();
    made.order.resize(begun + rows);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t at =
          begun + static_cast<std::size_t>(next[static_cast<std::size_t>(window[r])]++);
      made.order[at] = first + static_cast<std::int32_t>(r);
      made.back[static_cast<std::size_t>(first) + r] = static_cast<std::int32_t>(at);
    }
    for (std::size_t at = begun; at < begun + rows; ++at) {
      const auto r = static_cast<std::size_t>(made.order[at] - first);
      const bool begins =
          at > begun && window[r] != window[static_cast<std::size_t>(made.order[at - 1] - first)];
      if (begins) cut->end_image();
      cut->append(place[r]);
    }
    if (rows > 0) cut->end_image();
  }
  made.layout = cut;
  return made;
}

double windowed_attention_operations(double rows, double dim, const Grid& grid,
                                     const AttentionWindows& shape) {
  const double all = grid.tokens();
  // Of n tokens a mean of n p is left when p of all are; of its square, n p + n (n - 1) times the
  // share of pairs.
  const double share = rows / std::max(1.0, all),
               pairs = all > 1 ? share * (rows - 1) / (all - 1) : share;
  double sum = 0;
  for (int y = 0; y < windows_along(grid.height, shape); ++y)
    for (int x = 0; x < windows_along(grid.width, shape); ++x) {
      const double n =
          double(tokens_within(grid.height, y, shape)) * tokens_within(grid.width, x, shape);
      sum += n * share + n * (n - 1) * pairs;
    }
  return operations::attention(1, dim) * sum;
}

RelativePositionBias::RelativePositionBias(ParameterSet& set, const std::string& name, int side,
                                           int heads)
    : heads_(heads), places_(side * side) {
  const int reach = 2 * side - 1;
  table_ = &set.add(name, {reach * reach, heads}, Init::normal_002);
  for (int head = 0; head < heads; ++head)
    for (int query = 0; query < places_; ++query)
      for (int key = 0; key < places_; ++key) {
        const int down = query / side - key / side + side - 1,
                  right = query % side - key % side + side - 1;
        entries_.push_back((down * reach + right) * heads + head);
      }
}

Var RelativePositionBias::operator()(Pass& pass) const {
  const Var table = reshape(pass, pass.parameter(*table_), {table_->value.size(), 1});
  return reshape(pass, gather_rows(pass, table, entries_), {heads_, places_, places_});
}

}  // namespace semwave
