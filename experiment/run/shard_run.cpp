#include "experiment/run/shard_run.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/stopwatch.h"
#include "experiment/metric/statistics.h"
#include "experiment/run/images.h"

namespace semwave {

ShardRun::ShardRun(const Scenario& scenario, const Model& model, const Dataset& data)
    : scenario_(scenario),
      model_(model),
      data_(data),
      backend_(model.parameters->backend()),
      channel_(scenario.channel),
      mean_(model.receiver->mean_image()) {}

ShardCost ShardRun::run(const PooledVector<std::int32_t>& indices,
                        const PooledVector<std::uint32_t>& ids, std::uint32_t visit,
                        const ShardPlan& planned, ImageRecord* records,
                        std::int64_t* expert_rows) const {
  ShardCost cost;
  Pass pass{.backend = backend_};
  pass.draws = {scenario_.seed, visit, ids};
  const Tensor images = image_tensor(backend_, data_, indices);

  auto clock = Clock::now();
  const SentImages sent = send_images(pass, model_, images, planned);
  cost.transmitter_seconds = seconds_since(clock);
  cost.transmitter_operations = std::exchange(pass.operations, 0);

  clock = Clock::now();
  const Reception heard = channel_.apply(pass, sent.burst, planned.fading);
  cost.channel_seconds = seconds_since(clock);
  pass.operations = 0;

  clock = Clock::now();
  const HeardImages answered = hear_images(pass, model_, heard);
  const Result& result = answered.result;
  cost.receiver_seconds = seconds_since(clock);
  cost.receiver_operations = pass.operations;
  for (std::size_t e = 0; e < result.expert_rows.size(); ++e)
    expert_rows[e] += result.expert_rows[e];

  for (std::size_t i = 0; i < indices.size(); ++i) {
    records[i].image = static_cast<std::uint32_t>(indices[i]);
    records[i].label = data_.labels[static_cast<std::size_t>(indices[i])];
    record_sent(planned, sent.trace, i, records[i]);
    record_heard(heard, result, answered.decided[i], i, records[i]);
  }
  score_images(scenario_, model_, data_, indices, mean_, result, records);
  return cost;
}

Scores ShardRun::unsent(std::int32_t image) const {
  ImageRecord record;
  score_images(scenario_, model_, data_, std::span(&image, 1), mean_, Result{}, &record);
  return record.scores;
}

void record_sent(const ShardPlan& planned, const TransmitTrace& trace, std::size_t i,
                 ImageRecord& record) {
  record.link = planned.fading.links[i];
  record.slot = planned.fading.slot;
  record.answered = trace.answer[i] >= 0;
  if (!trace.notes.empty()) record.notes = trace.notes[i];
  record.keep_ratio = planned.plans[i].keep_ratio;
  record.plan_depth = planned.plans[i].exit_depth;
  record.exit_depth = trace.exit_depth[i];
  record.symbols_per_token = planned.plans[i].symbols_per_token;
  record.tokens = trace.layout->rows_of(static_cast<int>(i));
  record.snr_db = planned.fading.snr_db(static_cast<int>(i));
  record.believed_snr_db = planned.states[i].snr_db;
}

void record_heard(const Reception& heard, const Result& result, std::int32_t decision,
                  std::size_t i, ImageRecord& record) {
  record.block_lost = !result.block_lost.empty() && result.block_lost[i];
  record.header_lost =
      result.lost[i] && !record.block_lost &&
      !heard.header_symbols[i].empty();  // silence is no lost header: nothing fitted
  record.tokens_lost = result.tokens_lost.empty() ? 0 : result.tokens_lost[i];
  record.decision = decision;
  record.gain = heard.mean_gain[i];
  record.uses = heard.ledger[i];
}

void score_images(const Scenario& scenario, const Model& model, const Dataset& data,
                  std::span<const std::int32_t> indices, std::span<const float> mean,
                  const Result& result, ImageRecord* records) {
  for (std::size_t i = 0; i < indices.size(); ++i) records[i].scores = no_scores();
  if (!scenario.measures(Metric::Needs::image) || !model.rebuilds) return;
  const RebuiltImages rebuilt(model, result);
  PooledVector<float> original, filled;
  const auto score = [&](std::size_t i, std::span<const float> image) {
    original.resize(static_cast<std::size_t>(data.values(indices[i])));
    assert(image.size() == original.size());
    to_float(data, indices.subspan(i, 1), original.data());
    std::size_t place = 0;
    for (const auto& metric : scenario.metrics)
      if (metric->needs() == Metric::Needs::image)
        records[i].scores[place++] = metric->score({.rebuilt = image,
                                                    .original = original,
                                                    .height = data.height_of(indices[i]),
                                                    .width = data.width_of(indices[i]),
                                                    .channels = data.channels});
  };
  // Where nothing was rebuilt (the header was lost or answers, or was read as one without
  // positions) the mean image answers.
  PooledVector<std::uint8_t> answered(indices.size(), 0);
  for (const std::int32_t i : result.rebuilt) answered[static_cast<std::size_t>(i)] = 1;
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (!answered[i]) {
      const auto values = static_cast<std::size_t>(data.values(indices[i]));
      if (mean.size() != values) {  // it is a colour
        filled.resize(values);
        for (std::size_t v = 0; v < values; ++v) filled[v] = mean[v % mean.size()];
      }
      score(i, mean.size() == values ? mean : std::span<const float>(filled));
    }
  for (std::size_t j = 0; j < result.rebuilt.size(); ++j)
    score(static_cast<std::size_t>(result.rebuilt[j]), rebuilt.image(j));
}

}  // namespace semwave
