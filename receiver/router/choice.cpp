#include "receiver/router/choice.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace semwave {

namespace {

/// The rows of one image, the largest of `key` first.
template <typename Key>
PooledVector<std::int32_t> in_order(const Ragged& layout, int image, const Key& key) {
  PooledVector<std::int32_t> rows(static_cast<std::size_t>(layout.rows_of(image)));
  std::iota(rows.begin(), rows.end(), layout.starts[static_cast<std::size_t>(image)]);
  std::sort(rows.begin(), rows.end(), [&](std::int32_t a, std::int32_t b) {
    const float of_a = key(a), of_b = key(b);
    return of_a != of_b ? of_a > of_b : a < b;
  });
  return rows;
}

}  // namespace

Choice top_per_row(std::span<const float> values, int experts, int k) {
  const auto E = static_cast<std::size_t>(experts);
  Choice choice;
  PooledVector<char> taken(E);
  for (std::size_t first = 0; first < values.size(); first += E) {
    taken.assign(E, 0);
    for (int j = 0; j < k; ++j) {
      std::size_t best = E;
      for (std::size_t e = 0; e < E; ++e)
        if (!taken[e] && (best == E || values[first + e] > values[first + best])) best = e;
      taken[best] = 1;
      choice.push_back(static_cast<std::int32_t>(best));
    }
  }
  return choice;
}

int capacity_of(double capacity, int k, int rows, int experts) {
  return static_cast<int>(std::ceil(capacity * k * rows / experts - 1e-9));
}

void limit_to_capacity(Choice& choice, std::span<const float> values, const Ragged& layout,
                       int experts, int k, double capacity) {
  const auto E = static_cast<std::size_t>(experts), K = static_cast<std::size_t>(k);
  const auto largest = [&](std::int32_t row) {
    const std::span<const float> of_row = values.subspan(static_cast<std::size_t>(row) * E, E);
    return *std::max_element(of_row.begin(), of_row.end());
  };
  PooledVector<int> taken(E);
  for (int image = 0; image < layout.images(); ++image) {
    const int room = capacity_of(capacity, k, layout.rows_of(image), experts);
    const PooledVector<std::int32_t> rows = in_order(layout, image, largest);
    taken.assign(E, 0);
    for (std::size_t j = 0; j < K; ++j)
      for (const std::int32_t row : rows) {
        std::int32_t& expert = choice[static_cast<std::size_t>(row) * K + j];
        if (expert >= 0 && ++taken[static_cast<std::size_t>(expert)] > room) expert = -1;
      }
  }
}

Choice top_per_expert(std::span<const float> values, const Ragged& layout, int experts,
                      double capacity) {
  const auto E = static_cast<std::size_t>(experts);
  Choice choice(values.size(), -1);
  for (int image = 0; image < layout.images(); ++image) {
    const int room =
        std::min(layout.rows_of(image), capacity_of(capacity, 1, layout.rows_of(image), experts));
    for (std::size_t e = 0; e < E; ++e) {
      const PooledVector<std::int32_t> rows = in_order(layout, image, [&](std::int32_t row) {
        return values[static_cast<std::size_t>(row) * E + e];
      });
      for (int r = 0; r < room; ++r)
        choice[static_cast<std::size_t>(rows[static_cast<std::size_t>(r)]) * E + e] =
            static_cast<std::int32_t>(e);
    }
  }
  return choice;
}

}  // namespace semwave
