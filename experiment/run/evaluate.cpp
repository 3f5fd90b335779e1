#include "experiment/run/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/base/error.h"
#include "core/base/stopwatch.h"
#include "core/data/picture.h"
#include "experiment/metric/statistics.h"
#include "experiment/run/images.h"
#include "experiment/run/shard_run.h"
#include "transmitter/policy/policy.h"

namespace semwave {

namespace {

/// Images [begin, end) of the source: realised, observed, planned for, sent.
ShardCost run_images(const ShardRun& shard, const Scenario& scenario, int begin, int end,
                     Policy& policy, ImageRecord* records, std::int64_t* expert_rows) {
  PooledVector<std::int32_t> indices(static_cast<std::size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  const auto clock = Clock::now();
  const Draws draws{scenario.seed, scenario.repeat, {indices.begin(), indices.end()}};
  const ShardPlan planned = plan_images(shard.channel(), draws, policy);
  const double planning = seconds_since(clock);
  ShardCost cost =
      shard.run(indices, planned.fading.links, scenario.repeat, planned, records, expert_rows);
  cost.channel_seconds += planning;
  return cost;
}

}  // namespace

void finish(PointResult& result, const Model& model, double sent,
            const std::vector<std::int64_t>& expert_rows) {
  if (sent > 0) {
    result.transmitter_operations /= sent;
    result.receiver_operations /= sent;
  }
  const std::int64_t rows =
      std::accumulate(expert_rows.begin(), expert_rows.end(), std::int64_t{0});
  for (const std::int64_t r : expert_rows)
    result.expert_load.push_back(rows == 0 ? 0
                                           : static_cast<double>(r) / static_cast<double>(rows));
  const auto& [height, width] = std::pair(model.architecture.height, model.architecture.width);
  result.transmitter_operations_dense = model.transmitter->dense_operations(height, width);
  result.receiver_operations_dense = model.receiver->dense_operations(height, width);
}

/// Means over images that may differ in size.
void dense_operations_of(const Dataset& data, int images, const Model& model, PointResult& result) {
  double transmitter = 0, receiver = 0;
  for (int i = 0; i < images; ++i) {
    transmitter += model.transmitter->dense_operations(data.height_of(i), data.width_of(i));
    receiver += model.receiver->dense_operations(data.height_of(i), data.width_of(i));
  }
  if (images == 0) return;
  result.transmitter_operations_dense = transmitter / images;
  result.receiver_operations_dense = receiver / images;
}

bool sure_enough(const StopRule& stop, std::int64_t correct, std::int64_t images) {
  if (stop.accuracy_halfwidth <= 0 || images < stop.min_images) return false;
  const auto [low, high] = wilson95(correct, images);
  return (high - low) / 2 <= stop.accuracy_halfwidth;
}

void check_point(const Scenario& scenario, const Model& model, const Dataset& data) {
  check_images(*scenario.pair, model.architecture, data, scenario.place("/source"));
  if (scenario.timeline && scenario.pair->takes_any_size(model.architecture) &&
      !has_own_size(model.architecture, data))
    throw Error(scenario.place("/timeline").str(),
                "the images of a timeline have the size of the model, " +
                    size_text(model.architecture.height, model.architecture.width,
                              model.architecture.channels));
  for (const auto& metric : image_metrics(scenario.metrics)) {
    const std::string place = scenario.place("/metrics").str();
    const std::string name = "'" + metric->key() + "'";
    if (!model.rebuilds && !model.architecture.image_head)
      throw Error(place, name +
                             " needs a model with an image head; this one answers with a class "
                             "only");
    for (int i = 0; i < (data.one_size() ? 1 : data.count()); ++i) {
      const std::string refusal =
          metric->refusal(data.height_of(i), data.width_of(i), data.channels);
      if (!refusal.empty()) throw Error(place, name + " " + refusal);
    }
  }
}

PointResult evaluate(const Scenario& scenario, const Model& model, const Dataset& data,
                     ThreadPool& pool, const EvaluateOptions& options) {
  check_point(scenario, model, data);
  Backend& backend = model.parameters->backend();
  // Whole pictures go alone: together they would need as many times the memory.
  const int shard =
      scenario.pair->takes_any_size(model.architecture) && !has_own_size(model.architecture, data)
          ? 1
          : std::max(1, options.shard > 0 ? options.shard : backend.preferred_shard());
  const int total = scenario.stop.max_images > 0 ? std::min(scenario.stop.max_images, data.count())
                                                 : data.count();
  const ShardRun run(scenario, model, data);
  const std::unique_ptr<Policy> policy = make_policy(scenario, model.architecture);
  const auto start = Clock::now();  // of the images: what is made once, such as the choice from a
                                    // table, is no part of their time

  PointResult result;
  result.images.resize(static_cast<std::size_t>(total));
  const auto experts = static_cast<std::size_t>(model.architecture.experts);
  std::vector<std::int64_t> expert_rows(experts);
  int done = 0;
  std::int64_t correct = 0;
  while (done < total) {
    if (options.interrupt && options.interrupt->load()) {
      result.interrupted = true;
      break;
    }
    const int end = std::min(total, done + chunk_images), shards = (end - done + shard - 1) / shard;
    // Workers write into memory that is here already: what one thread takes and another gives back
    // would never settle.
    PooledVector<ShardCost> costs(static_cast<std::size_t>(shards));
    PooledVector<std::int64_t> shard_rows(costs.size() * experts);
    pool.run(shards, [&](int s) {
      const int first = done + s * shard;
      costs[static_cast<std::size_t>(s)] = run_images(
          run, scenario, first, std::min(end, first + shard), *policy, result.images.data() + first,
          shard_rows.data() + static_cast<std::size_t>(s) * experts);
    });
    for (const ShardCost& cost : costs) result.add(cost);
    for (std::size_t i = 0; i < shard_rows.size(); ++i) expert_rows[i % experts] += shard_rows[i];
    for (; done < end; ++done)
      correct += result.images[static_cast<std::size_t>(done)].decision ==
                 result.images[static_cast<std::size_t>(done)].label;
    if (options.progress) options.progress(done, total);
    if (sure_enough(scenario.stop, correct, done)) break;
  }
  result.images.resize(static_cast<std::size_t>(done));
  result.totals =
      PointTotals(scenario.metrics, model.architecture.transmitter_blocks, scenario.pair->totals());
  for (const ImageRecord& image : result.images) result.totals.add(image);
  finish(result, model, done, expert_rows);
  if (!has_own_size(model.architecture, data)) dense_operations_of(data, done, model, result);
  result.wall_seconds = seconds_since(start);
  return result;
}

}  // namespace semwave
