// Dropping rows equals masking them, if what is masked is excluded as key, from pooling and from
// power (conventions.md, trap 7).
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/ops/ops.h"
#include "core/random/random.h"
#include "phy/signal/signal.h"
#include "tests/fixtures/ragged.h"

namespace semwave {
namespace {

using Rows = std::vector<std::vector<double>>;

double draw(std::uint32_t tensor, std::uint32_t i) {
  return std::sqrt(2.0) * complex_normal(philox(11, Purpose::data_bits, tensor, 0, i)).real();
}

/// Attention over the full grid in double, with the mask: a masked token is no key.
Rows masked_attention(const Rows& qkv, const std::vector<bool>& kept, int dim, int heads) {
  const int size = dim / heads;
  Rows out(qkv.size(), std::vector<double>(static_cast<std::size_t>(dim)));
  for (int h = 0; h < heads; ++h)
    for (std::size_t q = 0; q < qkv.size(); ++q) {
      std::vector<double> weight(qkv.size());
      double total = 0;
      for (std::size_t k = 0; k < qkv.size(); ++k) {
        if (!kept[k]) continue;
        double dot = 0;
        for (int c = 0; c < size; ++c)
          dot += qkv[q][static_cast<std::size_t>(h * size + c)] *
                 qkv[k][static_cast<std::size_t>(dim + h * size + c)];
        weight[k] = std::exp(dot / std::sqrt(size));
        total += weight[k];
      }
      for (std::size_t k = 0; k < qkv.size(); ++k)
        for (int c = 0; c < size; ++c)
          out[q][static_cast<std::size_t>(h * size + c)] +=
              weight[k] / total * qkv[k][static_cast<std::size_t>(2 * dim + h * size + c)];
    }
  return out;
}

TEST(Masked, EqualsCompacted) {
  const auto backend = make_cpu_backend();
  constexpr int grid = 49, dim = 32, heads = 4;
  for (std::uint32_t image = 0; image < 6; ++image) {
    Rows qkv(grid, std::vector<double>(3 * dim));
    std::vector<bool> kept(grid);
    std::vector<std::int32_t> positions;
    std::vector<float> compact, scores;
    for (std::uint32_t t = 0; t < grid; ++t) {
      for (std::uint32_t c = 0; c < 3 * dim; ++c) qkv[t][c] = draw(image, t * 3 * dim + c);
      kept[t] = uniform(philox(11, Purpose::gate, image, 0, t)[0]) < 0.1 + 0.18 * image;
      if (!kept[t]) continue;
      positions.push_back(static_cast<std::int32_t>(t));
      for (const double v : qkv[t]) compact.push_back(static_cast<float>(v));
      scores.push_back(static_cast<float>(draw(100 + image, t)));
    }
    ASSERT_FALSE(positions.empty());
    const auto rows = static_cast<std::int64_t>(positions.size());
    const RaggedPtr layout = layout_of({positions});
    Pass pass{.backend = *backend};
    const Var attended =
        attention(pass, Var(backend->from_host({rows, 3 * dim}, compact.data())), layout, heads);
    const Rows reference = masked_attention(qkv, kept, dim, heads);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < dim; ++c)
        EXPECT_NEAR(attended.value().data()[r * dim + c],
                    reference[static_cast<std::size_t>(positions[static_cast<std::size_t>(r)])]
                             [static_cast<std::size_t>(c)],
                    1e-5);

    // Pooling: weights of masked tokens are zero. Power: masked symbols count neither in the sum
    // nor in the number.
    const Var pooled =
        pool(pass, attended, Var(backend->from_host({rows, 1}, scores.data())), layout);
    const Var sent = unit_power(pass, reshape(pass, attended, {rows * dim / 2, 2}),
                                {0, static_cast<std::int32_t>(rows * dim / 2)});
    std::vector<double> masked_pool(dim);
    double total = 0, power = 0;
    std::size_t r = 0;
    for (std::size_t t = 0; t < grid; ++t) {
      if (!kept[t]) continue;
      const double w = std::exp(static_cast<double>(scores[r++]));
      total += w;
      for (std::size_t c = 0; c < dim; ++c) {
        masked_pool[c] += w * reference[t][c];
        power += reference[t][c] * reference[t][c];
      }
    }
    for (std::size_t c = 0; c < dim; ++c)
      EXPECT_NEAR(pooled.value().data()[c], masked_pool[c] / total, 1e-5);
    const double scale = std::sqrt(static_cast<double>(rows) * dim / 2 / power);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t c = 0; c < dim; ++c)
        EXPECT_NEAR(sent.value().data()[i * dim + c],
                    scale *
                        reference[static_cast<std::size_t>(positions[static_cast<std::size_t>(i)])]
                                 [static_cast<std::size_t>(c)],
                    1e-4);
  }
}

}  // namespace
}  // namespace semwave
