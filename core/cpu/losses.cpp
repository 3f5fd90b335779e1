// Losses: sums over rows, added up in double.
#include "core/cpu/backend.h"
#include "core/cpu/row_functions.h"
#include "core/cpu/scratch.h"

namespace semwave::cpu::inline SEMWAVE_VARIANT {
namespace {

float sum_of_row(const float* x, std::int64_t size) {
  Vector sum{};
  for_vectors(size, [&](std::int64_t at, auto count) { sum += load_count(x + at, count); });
  return sum_of(sum);
}

}  // namespace

void CpuBackend::cross_entropy(const Tensor& loss, const Tensor& p, const Tensor& x,
                               std::span<const std::int32_t> label, float smoothing, float scale) {
  const std::int64_t classes = x.columns(), rows = static_cast<std::int64_t>(label.size());
  assert(x.size() == rows * classes && (!p.defined() || p.size() == x.size()));
  double sum = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* logits = x.data() + row * classes;
    float* probabilities = p.defined() ? p.data() + row * classes : scratch(Scratch::row, classes);
    const std::int32_t right = label[static_cast<std::size_t>(row)];
    assert(0 <= right && right < classes);
    float log_sum = 0;
    cpu::softmax(probabilities, logits, 1, 0, classes, 1.0f, &log_sum);
    const double mean =
        static_cast<double>(sum_of_row(logits, classes)) / static_cast<double>(classes);
    sum += static_cast<double>(log_sum) -
           (1.0 - static_cast<double>(smoothing)) * static_cast<double>(logits[right]) -
           static_cast<double>(smoothing) * mean;
  }
  loss.data()[0] += static_cast<float>(sum * static_cast<double>(scale));
}

void CpuBackend::cross_entropy_backward(const Tensor& dx, const Tensor& dloss, const Tensor& p,
                                        std::span<const std::int32_t> label, float smoothing,
                                        float scale) {
  if (!dx.defined()) return;
  const std::int64_t classes = p.columns();
  const float factor = dloss.data()[0] * scale,
              everywhere = smoothing / static_cast<float>(classes);
  for (std::size_t row = 0; row < label.size(); ++row) {
    float* to = dx.data() + static_cast<std::int64_t>(row) * classes;
    const float* of_row = p.data() + static_cast<std::int64_t>(row) * classes;
    for (std::int64_t c = 0; c < classes; ++c) to[c] += factor * (of_row[c] - everywhere);
    to[label[row]] -= factor * (1.0f - smoothing);
  }
}

void CpuBackend::squared_error(const Tensor& loss, const Tensor& x, const Tensor& target,
                               const Tensor& weight, float scale) {
  const std::int64_t dim = x.columns(), rows = x.rows();
  assert(target.size() == x.size() && (!weight.defined() || weight.size() == rows));
  double sum = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    Vector squares{};
    for_vectors(dim, [&](std::int64_t at, auto count) {
      const Vector d = load_count(x.data() + row * dim + at, count) -
                       load_count(target.data() + row * dim + at, count);
      squares += d * d;
    });
    sum += static_cast<double>(sum_of(squares)) *
           (weight.defined() ? static_cast<double>(weight.data()[row]) : 1.0);
  }
  loss.data()[0] += static_cast<float>(sum * static_cast<double>(scale));
}

void CpuBackend::squared_error_backward(const Tensor& dx, const Tensor& dloss, const Tensor& x,
                                        const Tensor& target, const Tensor& weight, float scale) {
  if (!dx.defined()) return;
  const std::int64_t dim = x.columns(), rows = x.rows();
  for (std::int64_t row = 0; row < rows; ++row) {
    const float factor =
        2.0f * dloss.data()[0] * scale * (weight.defined() ? weight.data()[row] : 1.0f);
    for_vectors(dim, [&](std::int64_t at, auto count) {
      const std::int64_t place = row * dim + at;
      const Vector d =
          load_count(x.data() + place, count) - load_count(target.data() + place, count);
      store_count(dx.data() + place, load_count(dx.data() + place, count) + d * factor, count);
    });
  }
}

}  // namespace semwave::cpu::inline SEMWAVE_VARIANT
