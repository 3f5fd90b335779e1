// Choices of experts by rows, on the host and for each image by itself. Ties go to the lower index.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/pooled_vector.h"
#include "core/tensor/ragged.h"

namespace semwave {

using Choice = PooledVector<std::int32_t>;  // [rows, k] experts, best first; -1: none

/// Each row's k largest.
Choice top_per_row(std::span<const float> values /*[rows, experts]*/, int experts, int k);

/// Rows that an expert may take of an image of `rows` rows: ceil(capacity k rows / experts).
int capacity_of(double capacity, int k, int rows, int experts);
/// Takes choices back until no expert has more rows of an image than that. All first choices are
/// served before all second ones; among those the rows whose own largest value is highest come
/// first (batch prioritised routing, Riquelme et al. 2021, within each image).
void limit_to_capacity(Choice& choice, std::span<const float> values, const Ragged& layout,
                       int experts, int k, double capacity);
/// Each expert's `capacity_of(capacity, 1, ..)` largest rows of an image, by row: k = experts, in
/// the order of the experts (Zhou et al. 2022, expert choice).
Choice top_per_expert(std::span<const float> values, const Ragged& layout, int experts,
                      double capacity);

}  // namespace semwave
