// Which places of an index list name each target, in ascending order: so sums into rows run in a
// fixed order, without atomics.
#pragma once

#include <cassert>
#include <cstdint>
#include <span>

#include "core/base/pooled_vector.h"
#include "core/cuda/memory.h"

namespace semwave::cuda {

class Grouping {
 public:
  /// Targets [0, groups); a negative index belongs to none.
  Grouping(const StreamPtr& stream, std::span<const std::int32_t> index, std::int64_t groups)
      : Grouping(stream, sorted(index, groups)) {}
  std::int64_t groups() const { return groups_; }
  const std::int32_t* starts() const { return starts_.data(); }  // [groups + 1]
  const std::int32_t* order() const { return order_.data(); }    // places of the list, by target

 private:
  struct Sorted {
    PooledVector<std::int32_t> starts, order;
  };
  Grouping(const StreamPtr& stream, const Sorted& list)
      : groups_(static_cast<std::int64_t>(list.starts.size()) - 1),
        starts_(stream, list.starts),
        order_(stream, list.order) {}

  static Sorted sorted(std::span<const std::int32_t> index, std::int64_t groups) {
    Sorted made{PooledVector<std::int32_t>(static_cast<std::size_t>(groups) + 1, 0), {}};
    for (const std::int32_t target : index) {
      assert(target < groups);
      if (target >= 0) ++made.starts[static_cast<std::size_t>(target) + 1];
    }
    for (std::size_t g = 0; g + 1 < made.starts.size(); ++g) made.starts[g + 1] += made.starts[g];
    PooledVector<std::int32_t> next(made.starts.begin(), made.starts.end() - 1);
    made.order.resize(static_cast<std::size_t>(made.starts.back()));
    for (std::size_t i = 0; i < index.size(); ++i)
      if (index[i] >= 0)
        made.order[static_cast<std::size_t>(next[static_cast<std::size_t>(index[i])]++)] =
            static_cast<std::int32_t>(i);
    return made;
  }

  std::int64_t groups_;
  Upload<std::int32_t> starts_, order_;
};

}  // namespace semwave::cuda
