// Share of right classes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "experiment/metric/metric.h"
#include "experiment/metric/statistics.h"

namespace semwave {
namespace {

class Accuracy final : public Metric {
 public:
  std::string key() const override { return "accuracy"; }
  Needs needs() const override { return Needs::decision; }
  std::string heading() const override { return "accuracy"; }

  double score(const ScoredImage& image) const override {
    if (image.label < 0) return std::numeric_limits<double>::quiet_NaN();
    return image.decision == image.label ? 1 : 0;
  }

  void add_to(OrderedJson& row, const ScoreSum& scores,
              std::optional<double> halfwidth) const override {
    const auto correct = static_cast<std::int64_t>(std::llround(scores.sum));
    auto [low, high] = wilson95(correct, scores.images);
    if (halfwidth) {
      low = std::max(0.0, scores.mean() - *halfwidth);
      high = std::min(1.0, scores.mean() + *halfwidth);
    }
    row["correct"] = correct;
    row["accuracy"] = scores.mean();
    row["accuracy_ci95"] = {low, high};
  }

  std::vector<ScoreColumn> columns() const override {
    const std::string group = "accuracy and 95 % CI";
    return {{group, "accuracy", 8, "/accuracy", 4},
            {group, "low", 6, "/accuracy_ci95/0", 4, false},
            {group, "high", 6, "/accuracy_ci95/1", 4, false}};
  }
};

}  // namespace

void add_accuracy(MetricRegistry& registry) {
  registry.add(
      "accuracy",
      {.summary = "share of right classes, with a 95 % Wilson interval; a lost header is an error"},
      [](const Json&) { return std::make_unique<Accuracy>(); });
}

}  // namespace semwave
