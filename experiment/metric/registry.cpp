#include <algorithm>
#include <iterator>

#include "experiment/metric/metric.h"

namespace semwave {

// The files of this folder that hold a metric; each has its line below.
void add_accuracy(MetricRegistry& registry);
void add_psnr(MetricRegistry& registry);
void add_ssim(MetricRegistry& registry);
void add_ms_ssim(MetricRegistry& registry);

void Metric::add_to(OrderedJson& row, const ScoreSum& scores,
                    std::optional<double> /*halfwidth*/) const {
  row[key()] = scores.mean();
}

std::vector<ScoreColumn> Metric::columns() const {
  return {
      {.group = "image", .name = key(), .width = 7, .pointer = "/" + key(), .digits = digits()}};
}

MetricRegistry& metrics() {
  static MetricRegistry registry = [] {
    MetricRegistry made("a metric");
    add_accuracy(made);
    add_psnr(made);
    add_ssim(made);
    add_ms_ssim(made);
    return made;
  }();
  return registry;
}

bool any_needs(const Metrics& metrics, Metric::Needs needs) {
  return std::any_of(metrics.begin(), metrics.end(),
                     [needs](const auto& metric) { return metric->needs() == needs; });
}

Metrics image_metrics(const Metrics& metrics) {
  Metrics made;
  std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(made),
               [](const auto& metric) { return metric->needs() == Metric::Needs::image; });
  return made;
}

}  // namespace semwave
