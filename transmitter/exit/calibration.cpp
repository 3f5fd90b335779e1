#include "transmitter/exit/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "transmitter/exit/exit_rule.h"

namespace semwave {

double negative_log_likelihood(std::span<const float> logits, std::span<const std::int32_t> labels,
                               int classes, double temperature) {
  const auto width = static_cast<std::size_t>(classes);
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row = logits.subspan(i * width, width);
    const double largest = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const float logit : row) total += std::exp((logit - largest) / temperature);
    const double right = row[static_cast<std::size_t>(labels[i])];
    sum += std::log(total) - (right - largest) / temperature;
  }
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

double fitted_temperature(std::span<const float> logits, std::span<const std::int32_t> labels,
                          int classes) {
  // Convex in 1 / temperature, so of one valley in its logarithm: golden sections find it.
  const double golden = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(0.05), high = std::log(20.0);
  const auto loss = [&](double log_temperature) {
    return negative_log_likelihood(logits, labels, classes, std::exp(log_temperature));
  };
  double a = high - golden * (high - low), b = low + golden * (high - low);
  double at_a = loss(a), at_b = loss(b);
  while (high - low > 1e-6) {
    if (at_a <= at_b) {
      high = b, b = a, at_b = at_a;
      a = high - golden * (high - low), at_a = loss(a);
    } else {
      low = a, a = b, at_a = at_b;
      b = low + golden * (high - low), at_b = loss(b);
    }
  }
  return std::exp((low + high) / 2);
}

double calibration_error(std::span<const float> logits, std::span<const std::int32_t> labels,
                         int classes, double temperature, int bins) {
  const auto width = static_cast<std::size_t>(classes);
  std::vector<double> confidence(static_cast<std::size_t>(bins)),
      right(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::span<const float> row = logits.subspan(i * width, width);
    const double sure = softmax_confidence(row, temperature);
    const auto bin = static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(sure * bins)));
    confidence[bin] += sure;
    right[bin] += std::max_element(row.begin(), row.end()) - row.begin() == labels[i];
  }
  double sum = 0;
  for (std::size_t bin = 0; bin < right.size(); ++bin)
    sum += std::abs(right[bin] - confidence[bin]);
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

std::vector<double> geometric_shares(double q, int heads) {
  std::vector<double> shares;
  double sum = 0;
  for (int head = 1; head <= heads; ++head) {
    shares.push_back(std::pow(q, head));
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<double> budget_thresholds(const std::vector<std::vector<double>>& confidence,
                                      std::span<const double> shares) {
  constexpr double nobody = 2;  // above any confidence
  const std::size_t images = confidence.empty() ? 0 : confidence.front().size();
  std::vector<char> gone(images);
  std::vector<double> thresholds;
  for (std::size_t head = 0; head < confidence.size(); ++head) {
    double threshold = nobody;
    if (head + 1 < confidence.size()) {
      std::vector<std::size_t> left;
      for (std::size_t i = 0; i < images; ++i)
        if (!gone[i]) left.push_back(i);
      std::stable_sort(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
        return confidence[head][a] > confidence[head][b];
      });
      const auto wanted =
          static_cast<std::size_t>(shares[head] * static_cast<double>(images) + 1e-9);
      if (wanted > 0 && !left.empty())
        threshold = confidence[head][left[std::min(wanted, left.size()) - 1]];
    }
    for (std::size_t i = 0; i < images; ++i)
      if (confidence[head][i] >= threshold) gone[i] = 1;
    thresholds.push_back(threshold);
  }
  return thresholds;
}

}  // namespace semwave
