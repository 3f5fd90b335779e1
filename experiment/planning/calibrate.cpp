#include "experiment/planning/calibrate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "experiment/run/images.h"
#include "experiment/run/way.h"
#include "transmitter/exit/calibration.h"
#include "transmitter/exit/exit_rule.h"

namespace semwave {

namespace {

void check(const Scenario& scenario, const Model& model) {
  if (!scenario.pair->semantic() || exit_looks(scenario.exit))
    throw Error(scenario.place("/transmitter/exit").str(),
                "heads are calibrated where every image passes all of them: a semantic transmitter "
                "with \"exit\": \"fixed\"");
  if (!model.architecture.exit_heads)
    throw Error(scenario.place("/model").str(), "has no exit heads");
  if (scenario.source.split != Split::validation)
    throw Error(scenario.place("/source/split").str(),
                "calibrate on validation: on test images thresholds would be tuned to the images "
                "that they are reported on, and training images are too easy");
}

void hear_shard(const Scenario& scenario, const Model& model, const Dataset& data,
                const Channel& channel, Policy& policy, int begin, int end, HeadWords& words) {
  PooledVector<std::int32_t> indices(static_cast<std::size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  Backend& backend = model.parameters->backend();
  Pass pass{.backend = backend};
  pass.draws = {scenario.seed, scenario.repeat, {indices.begin(), indices.end()}};
  const ShardPlan planned = plan_images(channel, pass.draws, policy);
  for (const Plan& plan : planned.plans)
    if (plan.exit_depth != model.architecture.transmitter_blocks || !(plan.keep_ratio > 0))
      throw Error(scenario.place("/transmitter/policy").str(),
                  "an image has to pass all blocks with its tokens, so that every head hears it");
  TransmitTrace trace;
  trace.asks_heads = true;
  (void)model.transmitter->transmit(pass, image_tensor(backend, data, indices), planned.states,
                                    planned.plans, &trace);
  const auto width = static_cast<std::size_t>(words.classes);
  for (const ExitLogits& exit : trace.exits) {
    std::vector<float>& head = words.heads[static_cast<std::size_t>(exit.depth - 1)];
    backend.to_host(exit.logits.value(), head.data() + static_cast<std::size_t>(begin) * width);
  }
}

DepthBudget with_q(double q, const std::vector<std::vector<double>>& confidence,
                   const std::vector<std::vector<char>>& right) {
  const auto heads = static_cast<int>(confidence.size());
  DepthBudget made{.q = q, .thresholds = budget_thresholds(confidence, geometric_shares(q, heads))};
  const std::size_t images = confidence.front().size();
  for (std::size_t i = 0; i < images; ++i) {
    std::size_t head = 0;
    while (head + 1 < confidence.size() && confidence[head][i] < made.thresholds[head]) ++head;
    made.mean_depth += static_cast<double>(head + 1) / static_cast<double>(images);
    made.accuracy += right[head][i] / static_cast<double>(images);
  }
  return made;
}

}  // namespace

HeadWords hear_heads(const Scenario& scenario, const Model& model, const Dataset& data,
                     ThreadPool& pool, int shard) {
  check(scenario, model);
  check_images(*scenario.pair, model.architecture, data, scenario.place("/source"));
  const Channel channel(scenario.channel);
  const std::unique_ptr<Policy> policy = make_policy(scenario, model.architecture);
  HeadWords words{.classes = model.architecture.classes,
                  .labels = {data.labels.begin(), data.labels.end()},
                  .heads = {}};
  const auto values =
      static_cast<std::size_t>(data.count()) * static_cast<std::size_t>(words.classes);
  words.heads.assign(static_cast<std::size_t>(model.architecture.transmitter_blocks),
                     std::vector<float>(values));
  const int size = shard > 0 ? shard : std::max(1, model.parameters->backend().preferred_shard());
  pool.run((data.count() + size - 1) / size, [&](int s) {
    hear_shard(scenario, model, data, channel, *policy, s * size,
               std::min(data.count(), (s + 1) * size), words);
  });
  return words;
}

Calibration calibrate(const HeadWords& words) {
  Calibration made;
  std::vector<std::vector<double>> confidence;
  std::vector<std::vector<char>> right;
  const auto width = static_cast<std::size_t>(words.classes);
  for (const std::vector<float>& logits : words.heads) {
    CalibratedHead head{.depth = static_cast<int>(made.heads.size()) + 1};
    head.temperature = fitted_temperature(logits, words.labels, words.classes);
    head.error = calibration_error(logits, words.labels, words.classes, 1);
    head.error_calibrated =
        calibration_error(logits, words.labels, words.classes, head.temperature);
    confidence.emplace_back();
    right.emplace_back();
    for (std::size_t i = 0; i < words.labels.size(); ++i) {
      const auto row = std::span(logits).subspan(i * width, width);
      confidence.back().push_back(softmax_confidence(row, head.temperature));
      right.back().push_back(std::max_element(row.begin(), row.end()) - row.begin() ==
                             words.labels[i]);
      head.accuracy += right.back().back() / static_cast<double>(words.labels.size());
    }
    made.heads.push_back(head);
  }
  for (int step = 1; step <= 40; ++step)
    made.budgets.push_back(with_q(0.05 * step, confidence, right));
  return made;
}

const DepthBudget& Calibration::for_depth(double depth) const {
  const DepthBudget* best = &budgets.front();
  for (const DepthBudget& budget : budgets)
    if (budget.mean_depth <= depth && budget.mean_depth >= best->mean_depth) best = &budget;
  return *best;
}

Json budgeted_exit(const Calibration& calibration, const DepthBudget& budget, bool answer,
                   const std::string& model_sha256) {
  std::vector<double> temperatures;
  for (const CalibratedHead& head : calibration.heads) temperatures.push_back(head.temperature);
  return {{"kind", "budgeted"},
          {"thresholds", budget.thresholds},
          {"temperatures", temperatures},
          {"answer", answer},
          {"model_sha256", model_sha256}};
}

}  // namespace semwave
