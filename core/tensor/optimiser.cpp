// AdamW over chunks of the parameters.
#include "core/tensor/optimiser.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/thread_pool.h"

namespace semwave {
namespace {

constexpr const char* step_name = "optimiser.step";
constexpr const char* moments_begin_name = "optimiser.moments_begin";

constexpr std::int64_t chunk_size =
    1 << 15;  // elements: small enough to spread, large enough to outweigh handing it over

std::size_t left_part(std::size_t lanes) {
  std::size_t part = 1;
  while (part * 2 < lanes) part *= 2;
  return part;
}

// to = the tree's sum of lanes [begin, end), rows [row, row + size) of each.
void add_lanes(Backend& backend, const std::vector<Tensor>& lanes, std::size_t begin,
               std::size_t end, const Tensor& to, const std::vector<Tensor>& partial_sums,
               std::size_t level) {
  if (end - begin == 1) {
    backend.copy(to, lanes[begin]);
    return;
  }
  const std::size_t middle = begin + left_part(end - begin);
  add_lanes(backend, lanes, begin, middle, to, partial_sums, level);
  if (end - middle == 1) {
    backend.add_scaled(to, lanes[middle], 1.0f);
    return;
  }
  add_lanes(backend, lanes, middle, end, partial_sums[level], partial_sums, level + 1);
  backend.add_scaled(to, partial_sums[level], 1.0f);
}

const NamedArray& find_array(const std::vector<NamedArray>& arrays, const std::string& name,
                             std::int64_t size, const std::string& place) {
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const NamedArray& array) { return array.name == name; });
  if (found == arrays.end())
    throw Error(place, "has no '" + name + "', which this training would go on from");
  if (static_cast<std::int64_t>(found->values.size()) != size)
    throw Error(place, "'" + name + "' has " + std::to_string(found->values.size()) + " values, " +
                           std::to_string(size) + " are needed");
  return *found;
}

}  // namespace

Optimiser::Optimiser(ParameterSet& parameters, OptimiserSettings settings, ThreadPool* pool)
    : parameters_(parameters), settings_(std::move(settings)), pool_(pool) {
  Backend& backend = parameters_.backend();
  const Shape shape{parameters_.size(), 1};
  sum_ = backend.empty(shape);
  first_moment_ = backend.zeros(shape);
  second_moment_ = backend.zeros(shape);
  for (Parameter& parameter : parameters_.all()) {
    if (parameter.steered || is_frozen(parameter.name)) continue;
    trained_.push_back(&parameter);
    for (std::int64_t begin = 0; begin < parameter.value.size(); begin += chunk_size)
      chunks_.push_back({&parameter, begin, std::min(begin + chunk_size, parameter.value.size())});
  }
}

bool Optimiser::is_frozen(const std::string& name) const {
  return std::any_of(settings_.frozen.begin(), settings_.frozen.end(),
                     [&](const std::string& prefix) { return name.starts_with(prefix); });
}

Tensor Optimiser::moment_of(const Tensor& moments, const Parameter& parameter) const {
  return moments.row_range(parameter.offset, parameter.offset + parameter.value.size());
}

void Optimiser::run(int count, const std::function<void(int)>& body) {
  if (pool_) {
    pool_->run(count, body);
  } else {
    for (int task = 0; task < count; ++task) body(task);
  }
}

double Optimiser::learning_rate(std::int64_t step) const {
  if (step <= settings_.warmup_steps)
    return settings_.learning_rate * static_cast<double>(step) /
           static_cast<double>(settings_.warmup_steps);
  const std::int64_t length =
      std::max<std::int64_t>(1, settings_.total_steps - settings_.warmup_steps);
  const double progress = std::min(
      1.0, static_cast<double>(step - settings_.warmup_steps) / static_cast<double>(length));
  const double fall = 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
  return settings_.learning_rate * (settings_.floor_ratio + (1.0 - settings_.floor_ratio) * fall);
}

StepReport Optimiser::step(const std::vector<Gradients>& lanes) {
  assert(!lanes.empty());
  Backend& backend = parameters_.backend();
  // A tree of n lanes holds at most log2(n) sums at once, one of them in sum_.
  std::size_t levels = 0;
  while ((std::size_t{1} << (levels + 1)) < lanes.size()) ++levels;
  while (partial_sums_.size() < levels) partial_sums_.push_back(backend.empty(sum_.shape()));

  const int count = static_cast<int>(chunks_.size());
  std::vector<double> squares(chunks_.size());
  run(count, [&](int task) {
    const Chunk& chunk = chunks_[static_cast<std::size_t>(task)];
    const std::int64_t begin = chunk.parameter->offset + chunk.begin,
                       end = chunk.parameter->offset + chunk.end;
    std::vector<Tensor> lane_parts, partial_parts;
    for (const Gradients& lane : lanes)
      lane_parts.push_back(lane.flat().reshape(sum_.shape()).row_range(begin, end));
    for (const Tensor& partial : partial_sums_)
      partial_parts.push_back(partial.row_range(begin, end));
    const Tensor sum = sum_.row_range(begin, end);
    add_lanes(backend, lane_parts, 0, lane_parts.size(), sum, partial_parts, 0);
    squares[static_cast<std::size_t>(task)] = backend.sum_of_squares(sum);
  });
  double total = 0;
  for (const double square : squares) total += square;

  StepReport report{.gradient_norm = std::sqrt(total),
                    .learning_rate = learning_rate(steps_ + 1),
                    .skipped = false};
  if (!std::isfinite(report.gradient_norm)) {
    report.skipped = true;
    return report;
  }
  ++steps_;
  const bool clips = settings_.clip_norm > 0 && report.gradient_norm > settings_.clip_norm;
  const float gradient_scale =
      clips ? static_cast<float>(settings_.clip_norm / report.gradient_norm) : 1.0f;
  run(count, [&](int task) {
    const Chunk& chunk = chunks_[static_cast<std::size_t>(task)];
    const Parameter& parameter = *chunk.parameter;
    const std::int64_t begin = parameter.offset + chunk.begin, end = parameter.offset + chunk.end;
    const AdamW settings{
        .learning_rate = static_cast<float>(report.learning_rate),
        .beta1 = static_cast<float>(settings_.beta1),
        .beta2 = static_cast<float>(settings_.beta2),
        .epsilon = static_cast<float>(settings_.epsilon),
        .weight_decay = parameter.decay ? static_cast<float>(settings_.weight_decay) : 0.0f,
        .step = steps_ - moments_begin_};
    const Tensor value =
        parameter.value.reshape({parameter.value.size(), 1}).row_range(chunk.begin, chunk.end);
    backend.adamw(value, sum_.row_range(begin, end), first_moment_.row_range(begin, end),
                  second_moment_.row_range(begin, end), settings, gradient_scale);
  });
  parameters_.pack(true);
  return report;
}

std::vector<NamedArray> Optimiser::state() const {
  std::vector<NamedArray> arrays;
  const auto add = [&](const std::string& prefix, const Tensor& moments,
                       const Parameter& parameter) {
    NamedArray array{.name = prefix + parameter.name, .shape = {}, .values = {}};
    for (int axis = 0; axis < parameter.value.shape().rank(); ++axis)
      array.shape.push_back(parameter.value.shape()[axis]);
    array.values.resize(static_cast<std::size_t>(parameter.value.size()));
    parameters_.backend().to_host(moment_of(moments, parameter), array.values.data());
    arrays.push_back(std::move(array));
  };
  for (const Parameter* parameter : trained_) {
    add("first_moment.", first_moment_, *parameter);
    add("second_moment.", second_moment_, *parameter);
  }
  arrays.push_back({.name = step_name, .shape = {1}, .values = {static_cast<float>(steps_)}});
  if (moments_begin_ > 0)
    arrays.push_back(
        {.name = moments_begin_name, .shape = {1}, .values = {static_cast<float>(moments_begin_)}});
  return arrays;
}

void Optimiser::begin_at(std::int64_t step) {
  steps_ = moments_begin_ = step;
  parameters_.backend().fill(first_moment_, 0.0f);
  parameters_.backend().fill(second_moment_, 0.0f);
}

void Optimiser::restore(const std::vector<NamedArray>& arrays, const std::string& place) {
  std::vector<const NamedArray*> first, second;
  for (const Parameter* parameter : trained_) {
    first.push_back(
        &find_array(arrays, "first_moment." + parameter->name, parameter->value.size(), place));
    second.push_back(
        &find_array(arrays, "second_moment." + parameter->name, parameter->value.size(), place));
  }
  const float step = find_array(arrays, step_name, 1, place).values[0];
  if (!(step >= 0) || step > 0x1p24f || step != std::floor(step))
    throw Error(place, std::string("'") + step_name + "' is not a number of steps");

  const bool later = std::any_of(arrays.begin(), arrays.end(), [](const NamedArray& array) {
    return array.name == moments_begin_name;
  });
  const float begin = later ? find_array(arrays, moments_begin_name, 1, place).values[0] : 0;
  if (!(begin >= 0) || begin > step || begin != std::floor(begin))
    throw Error(place,
                std::string("'") + moments_begin_name + "' is none of the steps that were made");

  Backend& backend = parameters_.backend();
  for (std::size_t i = 0; i < trained_.size(); ++i) {
    const Shape shape{trained_[i]->value.size(), 1};
    backend.copy(moment_of(first_moment_, *trained_[i]),
                 backend.from_host(shape, first[i]->values.data()));
    backend.copy(moment_of(second_moment_, *trained_[i]),
                 backend.from_host(shape, second[i]->values.data()));
  }
  steps_ = static_cast<std::int64_t>(step);
  moments_begin_ = static_cast<std::int64_t>(begin);
}

}  // namespace semwave
