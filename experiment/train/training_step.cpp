#include "experiment/train/training_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>
#include <string>

#include "core/ops/ops.h"
#include "core/random/random.h"
#include "transmitter/policy/plan.h"

namespace semwave {

namespace {

constexpr int lane_count =
    8;  // fixed, so that the sum of gradients is the same for any number of threads
constexpr int longest_shard =
    16;  // on a processor: more rows a product, but what a pass keeps must not grow without bound

/// One shard a lane where the batch allows it, at least what the device likes.
int shard_of(int asked, int batch, const Backend& backend) {
  if (asked > 0) return asked;
  return std::max(backend.preferred_shard(),
                  std::min(longest_shard, (batch + lane_count - 1) / lane_count));
}

}  // namespace

namespace {

/// A drawn share of pictures becomes what a drawn codec at a drawn quality makes of them. `image`
/// is picture `index` of the data, as floats.
void decode_some(float* image, const Dataset& data, std::int32_t index,
                 const DecodedSettings& settings, std::uint64_t seed, std::uint32_t epoch) {
  // Flip and shift, the other changes to a training image, draw at place 0.
  const auto id = static_cast<std::uint32_t>(index);
  const RandomWords words = philox(seed, Purpose::augmentation, id, epoch, 1);
  if (!(uniform(words[0]) < settings.share)) return;

  const auto drawn =
      static_cast<std::size_t>(std::uint64_t{words[1]} * settings.codecs.size() >> 32);
  const ImageCodec& codec = *settings.codecs[drawn];
  const int quality = settings.quality.draw_integer(uniform(words[2]));

  const std::uint8_t* stored = data.image(index);
  const Picture picture{data.height, data.width, data.channels, {stored, stored + data.values()}};
  const std::vector<std::uint8_t> stream = codec.encode(picture, quality);
  const Picture decoded = codec.decode(stream, data.height, data.width, data.channels);
  std::transform(decoded.pixels.begin(), decoded.pixels.end(), image,
                 [](std::uint8_t value) { return static_cast<float>(value) / 255.0f; });
}

}  // namespace

/// Everything one shard keeps between its forward and its backward pass.
struct TrainingStep::Work {
  explicit Work(Backend& backend) : pass{.backend = backend} {}
  Tape tape;
  Pass pass;
  ShardLoss loss;
};

double BatchLoss::total(const TrainSettings& s) const {
  double sum = s.class_weight * class_loss + s.image_weight * image_loss +
               s.gate_weight * gate_loss + exit_loss + budget_loss +
               routed_blocks * (s.balance_weight * balance + s.z_weight * z);
  for (std::size_t t = 0; t < terms.size(); ++t) sum += s.terms[t].weight * terms[t];
  return sum;
}

TrainingStep::TrainingStep(const Scenario& scenario, const Model& model, const Dataset& data,
                           ThreadPool& pool, int shard)
    : scenario_(scenario),
      settings_(scenario.train.value()),
      model_(model),
      data_(data),
      pool_(pool),
      backend_(model.parameters->backend()),
      channel_(scenario.channel),
      shard_(shard_of(shard, settings_.batch, backend_)) {
  for (int lane = 0; lane < lane_count; ++lane) lanes_.emplace_back(*model.parameters);
}

Tensor TrainingStep::images_of(std::span<const std::int32_t> indices, std::uint32_t epoch) const {
  const auto& patch = settings_.patch;
  const int height = patch ? (*patch)[0] : data_.height, width = patch ? (*patch)[1] : data_.width;
  const std::size_t size = static_cast<std::size_t>(height) * static_cast<std::size_t>(width) *
                           static_cast<std::size_t>(data_.channels);
  PooledVector<float> values(indices.size() * size);
  if (!patch) to_float(data_, indices, values.data());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const int image = indices[i] % data_.count();
    const auto id = static_cast<std::uint32_t>(indices[i]);
    float* one = values.data() + i * size;
    if (patch)
      patch_to_float(data_, image,
                     patch_corner(data_.height_of(image), data_.width_of(image), height, width,
                                  scenario_.seed, id, epoch),
                     height, width, one);
    if (settings_.decoded.share > 0)
      decode_some(one, data_, image, settings_.decoded, scenario_.seed, epoch);
    if (settings_.flip || settings_.shift > 0)
      augment(one, height, width, data_.channels, settings_.flip, settings_.shift, scenario_.seed,
              id, epoch);
  }
  return backend_.from_host(
      {static_cast<std::int64_t>(indices.size()), height, width, data_.channels}, values.data());
}

void TrainingStep::forward(Work& work, std::span<const std::int32_t> span, int epoch,
                           int batch) const {
  const PooledVector<std::int32_t> indices(span.begin(), span.end());
  Pass& pass = work.pass;
  const auto visit = static_cast<std::uint32_t>(epoch);
  pass.draws = {scenario_.seed, visit, {indices.begin(), indices.end()}};
  PooledVector<std::int32_t> labels;
  PooledVector<double> snr_db;
  PooledVector<Plan> plans;
  PooledVector<int> leave_at;
  for (const std::int32_t index : indices) {
    const auto id = static_cast<std::uint32_t>(index);
    labels.push_back(data_.labels[static_cast<std::size_t>(index % data_.count())]);
    const RandomWords a = philox(scenario_.seed, Purpose::plan, id, visit, 0),
                      b = philox(scenario_.seed, Purpose::plan, id, visit, 1);
    const int deepest = model_.architecture.transmitter_blocks;
    Plan plan{.keep_ratio = settings_.keep.draw(uniform(a[0])),
              .exit_depth = std::min(deepest, settings_.depth.draw_integer(uniform(a[1])))};
    if (uniform(b[0]) < settings_.deepest_share) plan.exit_depth = deepest;
    plan.symbols_per_token = settings_.symbols_per_token.draw_integer(uniform(a[2]));
    leave_at.push_back(plan.exit_depth);
    if (uniform(b[1]) < settings_.unannounced_share) plan.exit_depth = deepest;
    plans.push_back(plan);
    snr_db.push_back(settings_.snr_db.draw(uniform(a[3])));
  }
  const Tensor images = images_of(indices, visit);
  if (model_.classifier) {  // it learns from clean images: no link is between
    Result result;
    result.logits = (*model_.classifier)(pass, images);
    work.loss = objective(pass, model_.architecture, settings_, images, labels, {}, result, batch);
    return;
  }
  // How well each end knows the link is drawn too: the receiver's pilots, the error of the
  // transmitter's belief.
  Fading fading = channel_.realise(pass.draws, snr_db);
  PooledVector<ChannelState> states = channel_.observe(fading);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const RandomWords c = philox(scenario_.seed, Purpose::plan,
                                 static_cast<std::uint32_t>(indices[i]), visit, 2),
                      d = philox(scenario_.seed, Purpose::plan,
                                 static_cast<std::uint32_t>(indices[i]), visit, 3);
    const int pilots = settings_.pilots.draw_integer(uniform(c[0]));
    if (pilots > 0) fading.receiver_pilots[i] = pilots;
    // sqrt(2) x the real part of CN(0, 1) is N(0, 1).
    states[i].snr_db += settings_.belief_error_db.draw(uniform(c[1])) * std::numbers::sqrt2 *
                        complex_normal(d).real();
  }
  TransmitTrace trace;
  trace.leave_at = std::move(leave_at);
  trace.hardness = settings_.hardness(epoch);
  trace.penalty_scale = static_cast<float>(settings_.budget_weight / batch);
  trace.asks_heads = settings_.trains_exits();
  const Burst burst = model_.transmitter->transmit(pass, images, states, plans, &trace);
  const Reception heard = channel_.apply(pass, burst, fading);
  const Result result = model_.receiver->receive(pass, heard);
  work.loss = objective(pass, model_.architecture, settings_, images, labels, trace, result, batch);
}

BatchLoss TrainingStep::run(std::span<const std::int32_t> indices, int epoch) {
  const int batch = static_cast<int>(indices.size()), shards = (batch + shard_ - 1) / shard_;
  BatchStatistics statistics(shards);
  std::vector<std::unique_ptr<Work>> works(static_cast<std::size_t>(shards));
  // Shard s belongs to lane s mod 8.
  pool_.run(shards, [&](int s) {
    auto& work = works[static_cast<std::size_t>(s)];
    work = std::make_unique<Work>(backend_);
    work->pass.tape = &work->tape;
    work->pass.gradients = &lanes_[static_cast<std::size_t>(s % lane_count)];
    work->pass.training = true;
    work->pass.statistics = &statistics;
    work->pass.shard = s;
    const int first = s * shard_;
    forward(*work,
            indices.subspan(static_cast<std::size_t>(first),
                            static_cast<std::size_t>(std::min(shard_, batch - first))),
            epoch, batch);
  });
  statistics.reduce();
  // A lane runs its shards in order: the same sums whoever runs it. The longest go first, so that
  // no thread waits long for the last one.
  std::array<double, lane_count> operations{};
  std::array<int, lane_count> order;
  std::iota(order.begin(), order.end(), 0);
  for (int s = 0; s < shards; ++s)
    operations[static_cast<std::size_t>(s % lane_count)] +=
        works[static_cast<std::size_t>(s)]->pass.operations;
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return operations[static_cast<std::size_t>(a)] > operations[static_cast<std::size_t>(b)];
  });
  pool_.run(lane_count, [&](int task) {
    const int lane = order[static_cast<std::size_t>(task)];
    lanes_[static_cast<std::size_t>(lane)].clear();
    for (int s = lane; s < shards; s += lane_count) {
      Work& work = *works[static_cast<std::size_t>(s)];
      if (work.loss.total.defined()) work.tape.backward(backend_, work.loss.total);
    }
  });
  if (model_.receiver) model_.receiver->after_step(statistics);
  BatchLoss loss;
  for (const auto& work : works) {
    loss.class_loss += work->loss.class_loss;
    loss.image_loss += work->loss.image_loss;
    loss.gate_loss += work->loss.gate_loss;
    loss.exit_loss += work->loss.exit_loss;
    loss.budget_loss += work->loss.budget_loss;
    loss.terms.resize(settings_.terms.size());
    for (std::size_t t = 0; t < loss.terms.size(); ++t) loss.terms[t] += work->loss.terms[t];
    loss.operations += work->pass.operations;
  }
  const int blocks = !model_.classifier && model_.architecture.experts > 1
                         ? model_.architecture.receiver_blocks
                         : 0;
  loss.routed_blocks = blocks;
  for (int b = 0; b < blocks; ++b) {
    const RouterLoss router = router_loss_value(statistics, "router." + std::to_string(b));
    loss.balance += router.balance / blocks;
    loss.z += router.z / blocks;
  }
  return loss;
}

}  // namespace semwave
