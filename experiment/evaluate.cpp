#include "experiment/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "experiment/images.h"
#include "experiment/metrics.h"
#include "transmitter/policy.h"

namespace semwave {

namespace {

// Results are looked at for stopping, progress and interruption after this many images, whatever the shard size.
constexpr int chunk_images = 500;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct ShardCost {
  double transmitter_operations = 0, receiver_operations = 0;
  double transmitter_seconds = 0, channel_seconds = 0, receiver_seconds = 0;
};

class PointRun {
 public:
  PointRun(const Scenario& scenario, const Model& model, const Dataset& data, Backend& backend)
      : scenario_(scenario), model_(model), data_(data), backend_(backend), channel_(scenario.channel), mean_(model.receiver->mean_image()) {}

  /// Images [begin, end) of the source, through everything, into `records`; `expert_rows` [experts].
  ShardCost run(int begin, int end, Policy& policy, ImageRecord* records, std::int64_t* expert_rows) const {
    ShardCost cost;
    List<std::int32_t> indices(static_cast<std::size_t>(end - begin));
    std::iota(indices.begin(), indices.end(), begin);
    Pass pass{.backend = backend_};
    pass.draws = {scenario_.seed, scenario_.repeat, {indices.begin(), indices.end()}};
    const Tensor images = image_tensor(backend_, data_, indices);

    auto clock = Clock::now();
    const Fading fading = channel_.realise(pass.draws);
    const List<ChannelState> states = channel_.observe(fading);
    const List<Plan> plans = policy.plan(states);
    cost.channel_seconds += seconds_since(clock);

    clock = Clock::now();
    TransmitTrace trace;
    const Burst burst = model_.transmitter->transmit(pass, images, states, plans, &trace);
    cost.transmitter_seconds = seconds_since(clock);
    cost.transmitter_operations = std::exchange(pass.operations, 0);

    clock = Clock::now();
    const Reception heard = channel_.apply(pass, burst, fading);
    cost.channel_seconds += seconds_since(clock);
    pass.operations = 0;

    clock = Clock::now();
    const Result result = model_.receiver->receive(pass, heard);
    cost.receiver_seconds = seconds_since(clock);
    cost.receiver_operations = pass.operations;
    std::copy(result.expert_rows.begin(), result.expert_rows.end(), expert_rows);

    record(indices, fading, states, plans, trace, heard, result, records);
    return cost;
  }

 private:
  void record(std::span<const std::int32_t> indices, const Fading& fading, const List<ChannelState>& states, const List<Plan>& plans, const TransmitTrace& trace,
              const Reception& heard, const Result& result, ImageRecord* records) const {
    const auto classes = static_cast<std::size_t>(model_.architecture.classes);
    List<float> logits(indices.size() * classes);
    backend_.to_host(result.logits.value(), logits.data());
    for (std::size_t i = 0; i < indices.size(); ++i) {
      ImageRecord& r = records[i];
      r.image = static_cast<std::uint32_t>(indices[i]);
      r.label = data_.labels[static_cast<std::size_t>(indices[i])];
      r.header_lost = result.lost[i];
      const float* row = logits.data() + i * classes;
      r.decision = r.header_lost ? -1 : static_cast<std::int32_t>(std::max_element(row, row + classes) - row);
      r.keep_ratio = plans[i].keep_ratio;
      r.exit_depth = trace.exit_depth[i];
      r.symbols_per_token = plans[i].symbols_per_token;
      r.tokens = trace.layout->rows_of(static_cast<int>(i));
      r.snr_db = fading.snr_db(static_cast<int>(i));
      r.gain = heard.mean_gain[i];
      r.believed_snr_db = states[i].snr_db;
      r.uses = heard.ledger[i];
      r.psnr_db = r.ssim = std::numeric_limits<double>::quiet_NaN();
    }
    if ((!scenario_.psnr && !scenario_.ssim) || !model_.architecture.image_head || !scenario_.positions_sent) return;
    const auto values = static_cast<std::size_t>(data_.values());
    List<float> original(values), rebuilt(values), patches;
    if (!result.rebuilt.empty()) {
      patches.resize(static_cast<std::size_t>(result.patches.value().size()));
      backend_.to_host(result.patches.value(), patches.data());
    }
    const auto score = [&](std::size_t i, std::span<const float> image) {
      to_float(data_, indices.subspan(i, 1), original.data());
      if (scenario_.psnr) records[i].psnr_db = psnr_db(image, original);
      if (scenario_.ssim) records[i].ssim = ssim(image, original, data_.height, data_.width, data_.channels);
    };
    // Where nothing was rebuilt (the header was lost, or was read as one without positions) the mean image answers.
    List<std::uint8_t> answered(indices.size(), 0);
    for (const std::int32_t i : result.rebuilt) answered[static_cast<std::size_t>(i)] = 1;
    for (std::size_t i = 0; i < indices.size(); ++i)
      if (!answered[i]) score(i, mean_);
    for (std::size_t j = 0; j < result.rebuilt.size(); ++j) {
      image_from_patches(model_.architecture, patches.data() + j * values, rebuilt.data());
      score(static_cast<std::size_t>(result.rebuilt[j]), rebuilt);
    }
  }

  const Scenario& scenario_;
  const Model& model_;
  const Dataset& data_;
  Backend& backend_;
  Channel channel_;
  std::vector<float> mean_;
};

}  // namespace

PointResult evaluate(const Scenario& scenario, const Model& model, const Dataset& data, ThreadPool& pool, const EvaluateOptions& options) {
  const auto start = Clock::now();
  check_images(model.architecture, data, scenario.place("/source"));
  if ((scenario.psnr || scenario.ssim) && !model.architecture.image_head)
    throw Error(scenario.place("/metrics").str(), "psnr and ssim need a model with an image head; this one answers with a class only");
  if (scenario.ssim && (data.height < 11 || data.width < 11)) throw Error(scenario.place("/metrics").str(), "ssim needs images of at least 11x11");
  Backend& backend = model.parameters->backend();
  const int shard = std::max(1, options.shard > 0 ? options.shard : backend.preferred_shard());
  const int total = scenario.stop.max_images > 0 ? std::min(scenario.stop.max_images, data.count()) : data.count();
  const PointRun run(scenario, model, data, backend);
  // A shard plans for its own images; the policies here keep no state between them.
  std::vector<std::unique_ptr<Policy>> policy;

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
    while (static_cast<int>(policy.size()) < shards) policy.push_back(policies().make(scenario.policy, scenario.place("/transmitter/policy")));
    // Workers write into memory that is here already: what one thread takes and another gives back would never settle.
    List<ShardCost> costs(static_cast<std::size_t>(shards));
    List<std::int64_t> shard_rows(costs.size() * experts);
    pool.run(shards, [&](int s) {
      const int first = done + s * shard;
      costs[static_cast<std::size_t>(s)] = run.run(first, std::min(end, first + shard), *policy[static_cast<std::size_t>(s)], result.images.data() + first,
                                                   shard_rows.data() + static_cast<std::size_t>(s) * experts);
    });
    for (const ShardCost& cost : costs) {
      result.transmitter_operations += cost.transmitter_operations;
      result.receiver_operations += cost.receiver_operations;
      result.transmitter_seconds += cost.transmitter_seconds;
      result.channel_seconds += cost.channel_seconds;
      result.receiver_seconds += cost.receiver_seconds;
    }
    for (std::size_t i = 0; i < shard_rows.size(); ++i) expert_rows[i % experts] += shard_rows[i];
    for (; done < end; ++done) correct += result.images[static_cast<std::size_t>(done)].decision == result.images[static_cast<std::size_t>(done)].label;
    if (options.progress) options.progress(done, total);
    if (scenario.stop.accuracy_halfwidth > 0 && done >= scenario.stop.min_images) {
      const auto [low, high] = wilson95(correct, done);
      if ((high - low) / 2 <= scenario.stop.accuracy_halfwidth) break;
    }
  }
  result.images.resize(static_cast<std::size_t>(done));
  if (done > 0) {
    result.transmitter_operations /= done;
    result.receiver_operations /= done;
  }
  const std::int64_t rows = std::accumulate(expert_rows.begin(), expert_rows.end(), std::int64_t{0});
  for (const std::int64_t r : expert_rows) result.expert_load.push_back(rows == 0 ? 0 : static_cast<double>(r) / static_cast<double>(rows));
  result.transmitter_operations_dense = model.transmitter->dense_operations();
  result.receiver_operations_dense = model.receiver->dense_operations();
  result.wall_seconds = seconds_since(start);
  return result;
}

}  // namespace semwave
