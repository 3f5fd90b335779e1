#include "experiment/objective/distillation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.h"
#include "core/ops/ops.h"

namespace semwave {

namespace {

/// The softmax of a row, in double precision.
std::vector<double> softmax_of(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  double sum = 0;
  for (const float logit : logits) {
    p.push_back(std::exp(logit - largest));
    sum += p.back();
  }
  for (double& one : p) one /= sum;
  return p;
}

/// sum over rows of weight[r] times the cross-entropy of softmax(logits[r]) against target[r].
Var soft_cross_entropy(Pass& pass, const Var& logits, const std::vector<double>& target,
                       const std::vector<double>& weight) {
  Backend& backend = pass.backend;
  const auto classes = static_cast<std::size_t>(logits.value().columns());
  std::vector<float> x(target.size());
  if (!x.empty()) backend.to_host(logits.value(), x.data());
  double loss = 0;
  std::vector<float> slope(x.size());
  for (std::size_t r = 0; r < weight.size(); ++r) {
    if (weight[r] == 0) continue;
    const std::vector<double> p = softmax_of(std::span(x).subspan(r * classes, classes));
    for (std::size_t c = 0; c < classes; ++c) {
      const std::size_t at = r * classes + c;
      loss -= weight[r] * target[at] * std::log(std::max(p[c], 1e-30));
      slope[at] = static_cast<float>(weight[r] * (p[c] - target[at]));
    }
  }
  const auto value = static_cast<float>(loss);
  const Var y = pass.output(backend.from_host({1}, &value), {&logits});
  if (y.needs_gradient()) {
    pass.tape->record([&backend, logits, y, slope = std::move(slope)] {
      if (!y.has_gradient()) return;
      float from_above = 0;
      backend.to_host(y.gradient(backend), &from_above);
      backend.add_scaled(logits.gradient(backend),
                         backend.from_host(logits.value().shape(), slope.data()), from_above);
    });
  }
  return y;
}

class Distillation final : public ObjectiveTerm {
 public:
  Var value(Pass& pass, const ObjectiveInput& input, float weight) const override {
    if (!input.sent.asks_heads)
      throw Error("/train/losses/distil", "needs exit heads that learn: train.losses.exit above 0");
    const auto classes = static_cast<std::size_t>(input.architecture.classes);
    // What the deepest head of each image said, and how many heads stand before it.
    std::vector<std::vector<double>> teacher(input.labels.size());
    std::vector<int> heads(input.labels.size(), -1);
    for (const ExitLogits& exit : input.sent.exits) {
      std::vector<float> said(exit.images.size() * classes);
      if (!said.empty()) pass.backend.to_host(exit.logits.value(), said.data());
      for (std::size_t r = 0; r < exit.images.size(); ++r) {
        const auto image = static_cast<std::size_t>(exit.images[r]);
        teacher[image] = softmax_of(std::span(said).subspan(r * classes, classes));
        ++heads[image];
      }
    }
    std::vector<int> passed(input.labels.size());
    PooledVector<Var> terms;
    for (const ExitLogits& exit : input.sent.exits) {
      std::vector<double> target, weights;
      for (const std::int32_t i : exit.images) {
        const auto image = static_cast<std::size_t>(i);
        const bool learns = passed[image]++ < heads[image];
        target.insert(target.end(), teacher[image].begin(), teacher[image].end());
        weights.push_back(learns ? double(weight) / (double(heads[image]) * input.batch) : 0.0);
      }
      if (!weights.empty()) terms.push_back(soft_cross_entropy(pass, exit.logits, target, weights));
    }
    return terms.empty() ? Var{} : sum(pass, terms);
  }
};

}  // namespace

void add_distillation(ObjectiveTermRegistry& registry) {
  registry.add("distil",
               {.summary = "cross-entropy of each exit head against what the deepest one says"},
               [](const Json&) { return std::make_unique<Distillation>(); });
}

}  // namespace semwave
