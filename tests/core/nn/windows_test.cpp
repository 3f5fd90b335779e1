// Windows: every row is in the window that its place says, once; attention in windows is attention
// among the rows of a window, with the bias of their displacement; operations are foreseen.
#include "core/nn/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "core/nn/layers.h"
#include "core/random/random.h"

namespace semwave {
namespace {

/// Images with some of the places of a grid; one of them empty, the last one whole.
RaggedPtr some_of(const Grid& grid, std::uint32_t seed) {
  const auto layout = std::make_shared<Ragged>();
  for (std::uint32_t image = 0; image < 4; ++image) {
    for (int place = 0; place < grid.tokens(); ++place) {
      const double drawn =
          uniform(philox(seed, Purpose::plan, image, 0, static_cast<std::uint32_t>(place))[0]);
      if (image != 1 && (image == 3 || drawn < 0.3 * (image + 1))) layout->append(place);
    }
    layout->end_image();
  }
  return layout;
}

Tensor random_tensor(Backend& backend, const Shape& shape, std::uint32_t seed) {
  std::vector<float> values;
  std::int64_t size = 1;
  for (int i = 0; i < shape.rank(); ++i) size *= shape[i];
  for (std::int64_t i = 0; i < size; ++i)
    values.push_back(static_cast<float>(
        2 * uniform(philox(seed, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0]) - 1));
  return backend.from_host(shape, values.data());
}

TEST(Windows, EveryRowIsInTheWindowOfItsPlace) {
  for (const Grid& grid : {Grid{8, 8}, Grid{5, 11}, Grid{1, 1}, Grid{3, 2}, Grid{16, 4}})
    for (const AttentionWindows& shape :
         {AttentionWindows{4, 0}, AttentionWindows{4, 2}, AttentionWindows{3, 1},
          AttentionWindows{8, 4}, AttentionWindows{16, 0}}) {
      const RaggedPtr layout = some_of(grid, 5);
      const WindowedRows cut = cut_into_windows(*layout, grid, shape);
      ASSERT_EQ(cut.layout->rows(), layout->rows());
      std::map<std::vector<int>, int> seen;  // image and window -> where it stands
      for (int window = 0; window < cut.layout->images(); ++window) {
        ASSERT_GT(cut.layout->rows_of(window), 0);
        for (std::int32_t at = cut.layout->starts[static_cast<std::size_t>(window)];
             at < cut.layout->starts[static_cast<std::size_t>(window) + 1]; ++at) {
          const auto row = static_cast<std::size_t>(cut.order[static_cast<std::size_t>(at)]);
          ASSERT_EQ(cut.back[row], at);
          const int place = layout->positions[row], y = place / grid.width + shape.offset,
                    x = place % grid.width + shape.offset;
          EXPECT_EQ(cut.layout->positions[static_cast<std::size_t>(at)],
                    y % shape.side * shape.side + x % shape.side);
          const auto [found, fresh] =
              seen.emplace(std::vector{layout->image[row], y / shape.side, x / shape.side}, window);
          EXPECT_EQ(found->second, window) << "one window, one group";
        }
      }
      EXPECT_EQ(static_cast<int>(seen.size()), cut.layout->images());
    }
}

TEST(Windows, OperationsAreThoseThatAttentionCounts) {
  const auto backend = make_cpu_backend();
  const Grid grid{9, 13};
  for (const AttentionWindows& shape : {AttentionWindows{4, 0}, AttentionWindows{4, 2}}) {
    ParameterSet set(*backend, 3);
    const SelfAttention attention(set, "a", 16, 2, 4, shape);
    set.pack(false);
    const auto counted = [&](const RaggedPtr& layout) {
      Pass pass{.backend = *backend};
      const Var x(random_tensor(*backend, {layout->rows(), 16}, 1)),
          condition(random_tensor(*backend, {layout->images(), 4}, 2));
      (void)attention(pass, {x, layout}, condition, grid);
      return pass.operations;
    };
    EXPECT_DOUBLE_EQ(counted(Ragged::full(1, grid.tokens())),
                     attention.operations(grid.tokens(), grid));
    // A mean over all choices of 40 of the tokens.
    double sum = 0;
    constexpr int trials = 400;
    for (std::uint32_t trial = 0; trial < trials; ++trial) {
      const auto layout = std::make_shared<Ragged>();
      int left = 40;
      for (int place = 0; place < grid.tokens(); ++place) {
        const double drawn =
            uniform(philox(trial, Purpose::plan, 0, 0, static_cast<std::uint32_t>(place))[0]);
        if (drawn * (grid.tokens() - place) < left) layout->append(place), --left;
      }
      layout->end_image();
      sum += counted(layout);
    }
    EXPECT_NEAR(sum / trials / attention.operations(40, grid), 1, 0.003);
  }
}

TEST(Windows, AttentionLooksWithinAWindowAndAtDisplacements) {
  const auto backend = make_cpu_backend();
  const Grid grid{6, 7};
  const AttentionWindows shape{4, 2};
  constexpr int dim = 8, heads = 2, size = dim / heads;
  ParameterSet set(*backend, 7);
  const RelativePositionBias bias(set, "bias", shape.side, heads);
  Parameter& table = *set.find("bias");
  for (std::int64_t i = 0; i < table.value.size(); ++i)
    table.value.data()[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  const RaggedPtr layout = some_of(grid, 9);
  const std::int64_t rows = layout->rows();
  const Tensor qkv = random_tensor(*backend, {rows, 3 * dim}, 4);

  Pass pass{.backend = *backend};
  const WindowedRows cut = cut_into_windows(*layout, grid, shape);
  const Var made = gather_rows(
      pass, attention(pass, gather_rows(pass, Var(qkv), cut.order), cut.layout, heads, bias(pass)),
      cut.back);

  // By the definition: all pairs of an image, those of other windows left out.
  const auto window = [&](std::int32_t place) {
    return std::pair((place / grid.width + shape.offset) / shape.side,
                     (place % grid.width + shape.offset) / shape.side);
  };
  const float* v = qkv.data();
  for (std::size_t q = 0; q < static_cast<std::size_t>(rows); ++q)
    for (int head = 0; head < heads; ++head) {
      double total = 0;
      std::vector<double> sum(size);
      for (std::size_t k = 0; k < static_cast<std::size_t>(rows); ++k) {
        const std::int32_t from = layout->positions[q], to = layout->positions[k];
        if (layout->image[q] != layout->image[k] || window(from) != window(to)) continue;
        double score = 0;
        for (int c = 0; c < size; ++c)
          score += double{v[q * 3 * dim + static_cast<std::size_t>(head * size + c)]} *
                   v[k * 3 * dim + static_cast<std::size_t>(dim + head * size + c)];
        const int down = from / grid.width - to / grid.width + shape.side - 1,
                  right = from % grid.width - to % grid.width + shape.side - 1;
        const double weight =
            std::exp(score / std::sqrt(size) +
                     table.value.data()[(down * (2 * shape.side - 1) + right) * heads + head]);
        total += weight;
        for (int c = 0; c < size; ++c)
          sum[static_cast<std::size_t>(c)] +=
              weight * v[k * 3 * dim + static_cast<std::size_t>(2 * dim + head * size + c)];
      }
      for (int c = 0; c < size; ++c)
        EXPECT_NEAR(made.value().data()[q * dim + static_cast<std::size_t>(head * size + c)],
                    sum[static_cast<std::size_t>(c)] / total, 1e-5);
    }
}

}  // namespace
}  // namespace semwave
