// Spreads the bits of a block so that neighbours on air, which fade together, are far apart in the
// code: one fixed permutation for each length, Fisher-Yates with counter-based draws keyed by the
// length alone. Both ends know it; it costs nothing on air. Immutable, shareable.
#pragma once

#include <cassert>
#include <cstdint>
#include <span>

#include "core/base/pooled_vector.h"

namespace semwave {

class Interleaver {
 public:
  explicit Interleaver(std::size_t length);

  std::size_t length() const { return order_.size(); }
  std::span<const std::uint32_t> order() const { return order_; }  // to[i] = from[order[i]]

  /// `from` and `to` [length], not the same memory.
  template <class T>
  void spread(std::span<const T> from, std::span<T> to) const {
    assert(from.size() == length() && to.size() == length());
    for (std::size_t i = 0; i < order_.size(); ++i) to[i] = from[order_[i]];
  }
  /// Undoes spread.
  template <class T>
  void gather(std::span<const T> from, std::span<T> to) const {
    assert(from.size() == length() && to.size() == length());
    for (std::size_t i = 0; i < order_.size(); ++i) to[order_[i]] = from[i];
  }

 private:
  PooledVector<std::uint32_t> order_;
};

}  // namespace semwave
