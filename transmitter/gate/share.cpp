// What gates share that do not take exactly k tokens of an image.
#include "core/ops/ops.h"
#include "transmitter/gate/gate.h"

namespace semwave {

PooledVector<std::int32_t> rows_above_zero(Backend& backend, const Tensor& scores,
                                           const Ragged& layout, const PooledVector<int>& k) {
  PooledVector<float> value(static_cast<std::size_t>(layout.rows()));
  if (!value.empty()) backend.to_host(scores, value.data());
  PooledVector<std::int32_t> source;
  for (int i = 0; i < layout.images(); ++i) {
    const std::int32_t first = layout.starts[static_cast<std::size_t>(i)], rows = layout.rows_of(i);
    int above = 0;
    for (std::int32_t r = first; r < first + rows; ++r)
      above += value[static_cast<std::size_t>(r)] > 0;
    const int stay = k[static_cast<std::size_t>(i)] > 0 ? std::max(1, above) : 0;
    const PooledVector<std::int32_t> best = best_rows(value, first, rows, stay);
    source.insert(source.end(), best.begin(), best.end());
  }
  return source;
}

Var share_penalty(Pass& pass, const GateQuestion& question, const Var& stays, const Ragged& kept,
                  double constant, double slope) {
  Backend& backend = pass.backend;
  const RaggedPtr& layout = question.tokens.layout;
  const auto images = static_cast<std::size_t>(layout->images());
  const std::int64_t count = layout->images();
  const Var even(backend.zeros({layout->rows(), 1}));
  const Var mean = pool(pass, stays, even, layout);  // probability of staying, per image
  // The penalty of the drawn share, written as a squared error of the mean probability: with
  // x - target = (share - a) grid / rows, its value and its slope are those of the share.
  PooledVector<float> target(images), weight(images);
  if (images > 0) backend.to_host(mean.value(), target.data());
  for (std::size_t i = 0; i < images; ++i) {
    const int rows = layout->rows_of(static_cast<int>(i));
    const double grid = question.grid, asked = question.k[i] / grid,
                 excess = kept.rows_of(static_cast<int>(i)) / grid - asked;
    if (rows == 0) continue;
    target[i] -= static_cast<float>(excess * grid / rows);
    const double factor = constant - slope * asked;
    weight[i] = static_cast<float>(factor * (rows / grid) * (rows / grid));
  }
  return squared_error(pass, mean, backend.from_host({count, 1}, target.data()),
                       backend.from_host({count}, weight.data()), question.penalty_scale);
}

}  // namespace semwave
