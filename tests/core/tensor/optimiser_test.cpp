// AdamW over gradient lanes: the sum, the schedule, clipping, freezing, resuming.
#include "core/tensor/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/thread_pool.h"
#include "core/ops/ops.h"
#include "tests/reference_kernels.h"

namespace semwave {
namespace {

using Values = reference::Array<double>;

std::vector<float> host(Backend& backend, const Tensor& x) {
  std::vector<float> values(static_cast<std::size_t>(x.size()));
  backend.to_host(x, values.data());
  return values;
}

class OptimiserTest : public ::testing::Test {
 protected:
  OptimiserTest() {
    parameters_.add("transmitter.block.weight", {5, 7}, Init::kaiming_uniform, true, true);
    parameters_.add("transmitter.block.bias", {5}, Init::normal_002);
    parameters_.add("receiver.head.weight", {3, 5}, Init::kaiming_uniform, true, true);
    parameters_.pack(true);
  }
  // A lane of random numbers; the same for a seed.
  static Gradients lane(const ParameterSet& parameters, std::uint32_t seed, double range = 1) {
    Gradients made(parameters);
    reference::Draw draw(seed);
    const Values values = draw.numbers(static_cast<std::size_t>(parameters.size()), range);
    const std::vector<float> floats(values.begin(), values.end());
    Backend& backend = parameters.backend();
    backend.copy(made.flat(), backend.from_host({parameters.size()}, floats.data()));
    return made;
  }
  static std::vector<Gradients> lanes(const ParameterSet& parameters, std::size_t count,
                                      std::uint32_t seed) {
    std::vector<Gradients> made;
    for (std::size_t i = 0; i < count; ++i)
      made.push_back(lane(parameters, seed + static_cast<std::uint32_t>(i)));
    return made;
  }
  static std::vector<std::vector<float>> values_of(const ParameterSet& parameters) {
    std::vector<std::vector<float>> all;
    for (const Parameter& parameter : parameters.all())
      all.push_back(host(parameters.backend(), parameter.value));
    return all;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
  ParameterSet parameters_{*backend_, 3};
};

TEST_F(OptimiserTest, AddsLanesByTheFixedTree) {
  for (std::size_t count = 1; count <= 8; ++count) {
    Optimiser optimiser(
        parameters_, {.beta1 = 0, .clip_norm = 0});  // beta1 = 0: the first moment is the gradient
    const std::vector<Gradients> made = lanes(parameters_, count, 40);
    std::vector<std::vector<float>> sums;
    for (const Gradients& one : made) sums.push_back(host(*backend_, one.flat()));
    for (std::size_t distance = 1; distance < count; distance *= 2)
      for (std::size_t left = 0; left + distance < count; left += 2 * distance)
        for (std::size_t i = 0; i < sums[left].size(); ++i)
          sums[left][i] += sums[left + distance][i];
    optimiser.step(made);
    std::vector<float> moments;
    for (const NamedArray& array : optimiser.state())
      if (array.name.starts_with("first_moment."))
        moments.insert(moments.end(), array.values.begin(), array.values.end());
    EXPECT_EQ(moments, sums[0]) << count << " lanes";
  }
}

TEST_F(OptimiserTest, LeavesTheLanesAsTheyWere) {
  Optimiser optimiser(parameters_, {});
  const std::vector<Gradients> made = lanes(parameters_, 8, 50);
  const std::vector<float> before = host(*backend_, made[0].flat());
  optimiser.step(made);
  EXPECT_EQ(host(*backend_, made[0].flat()), before);
}

TEST_F(OptimiserTest, FollowsTheReferenceAndDecaysMatricesOnly) {
  const OptimiserSettings settings{.learning_rate = 0.02,
                                   .warmup_steps = 2,
                                   .total_steps = 8,
                                   .weight_decay = 0.3,
                                   .beta2 = 0.95,
                                   .clip_norm = 2};
  Optimiser optimiser(parameters_, settings);
  std::vector<Values> values, first, second;
  for (const auto& floats : values_of(parameters_)) {
    values.emplace_back(floats.begin(), floats.end());
    first.emplace_back(floats.size());
    second.emplace_back(floats.size());
  }
  for (int step = 1; step <= 5; ++step) {
    const std::vector<Gradients> made =
        lanes(parameters_, 1, static_cast<std::uint32_t>(60 + step));
    const std::vector<float> flat = host(*backend_, made[0].flat());
    double squares = 0;
    for (const float g : flat) squares += double{g} * g;
    const double norm = std::sqrt(squares), scale = norm > 2 ? 2 / norm : 1;
    const StepReport report = optimiser.step(made);
    EXPECT_NEAR(report.gradient_norm, norm, 1e-6 * norm);
    EXPECT_FALSE(report.skipped);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Parameter& parameter = parameters_.all()[i];
      const Values gradient(flat.begin() + parameter.offset,
                            flat.begin() + parameter.offset + parameter.value.size());
      reference::adamw<double>(
          values[i], gradient, first[i], second[i],
          {report.learning_rate, 0.9, 0.95, 1e-8, parameter.decay ? 0.3 : 0.0, step}, scale);
    }
  }
  EXPECT_EQ(optimiser.steps(), 5);
  const auto actual = values_of(parameters_);
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = 0; j < values[i].size(); ++j)
      EXPECT_NEAR(actual[i][j], values[i][j], 2e-6) << parameters_.all()[i].name;
}

TEST_F(OptimiserTest, LearningRateWarmsUpThenFallsAsACosineToTheFloor) {
  const Optimiser optimiser(
      parameters_, {.learning_rate = 2, .warmup_steps = 4, .total_steps = 14, .floor_ratio = 0.1});
  EXPECT_DOUBLE_EQ(optimiser.learning_rate(1), 0.5);
  EXPECT_DOUBLE_EQ(optimiser.learning_rate(4), 2.0);
  EXPECT_DOUBLE_EQ(optimiser.learning_rate(9), 2 * (0.1 + 0.9 * 0.5));
  EXPECT_DOUBLE_EQ(optimiser.learning_rate(14), 0.2);
  EXPECT_DOUBLE_EQ(optimiser.learning_rate(99), 0.2);
}

TEST_F(OptimiserTest, FrozenParametersStayAndDoNotCountInTheNorm) {
  Optimiser optimiser(parameters_, {.frozen = {"transmitter."}});
  const auto before = values_of(parameters_);
  const Gradients made = lane(parameters_, 70);
  double squares = 0;
  for (const float g : host(*backend_, made.of(*parameters_.find("receiver.head.weight"))))
    squares += double{g} * g;
  const StepReport report = optimiser.step({made});
  EXPECT_NEAR(report.gradient_norm, std::sqrt(squares), 1e-6);
  const auto after = values_of(parameters_);
  EXPECT_EQ(after[0], before[0]);
  EXPECT_EQ(after[1], before[1]);
  EXPECT_NE(after[2], before[2]);
  for (const NamedArray& array : optimiser.state())
    EXPECT_EQ(array.name.find("transmitter."), std::string::npos);
}

TEST_F(OptimiserTest, SkipsAStepWhoseGradientIsNotFinite) {
  Optimiser optimiser(parameters_, {});
  optimiser.step({lane(parameters_, 80)});
  const auto before = values_of(parameters_);
  const auto moments = optimiser.state();
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Gradients made = lane(parameters_, 81);
    backend_->copy(made.flat().reshape({parameters_.size(), 1}).row_range(3, 4),
                   backend_->from_host({1, 1}, &bad));
    EXPECT_TRUE(optimiser.step({made}).skipped);
    EXPECT_EQ(optimiser.steps(), 1);
    EXPECT_EQ(values_of(parameters_), before);
    for (std::size_t i = 0; i < moments.size(); ++i)
      EXPECT_EQ(optimiser.state()[i].values, moments[i].values);
  }
}

TEST_F(OptimiserTest, GoesOnFromItsStateToTheLastBit) {
  const OptimiserSettings settings{.warmup_steps = 2, .total_steps = 6};
  Optimiser whole(parameters_, settings);
  for (std::uint32_t step = 0; step < 3; ++step) whole.step(lanes(parameters_, 2, 90 + 10 * step));
  ParameterSet copied(*backend_, 99);
  for (const Parameter& parameter : parameters_.all()) {
    Parameter& copy = copied.add(parameter.name, parameter.value.shape(), Init::zeros,
                                 parameter.decay, parameter.packs);
    backend_->copy(copy.value, parameter.value);
  }
  Optimiser resumed(copied, settings);
  resumed.restore(whole.state(), "training.safetensors");
  for (std::uint32_t step = 3; step < 6; ++step) {
    whole.step(lanes(parameters_, 2, 90 + 10 * step));
    resumed.step(lanes(copied, 2, 90 + 10 * step));
  }
  EXPECT_EQ(resumed.steps(), 6);
  EXPECT_EQ(values_of(copied), values_of(parameters_));
}

TEST_F(OptimiserTest, BeginsAtAStepWithFreshMoments) {
  const auto copy_of = [&](std::uint64_t seed) {
    auto copied = std::make_unique<ParameterSet>(*backend_, seed);
    for (const Parameter& parameter : parameters_.all()) {
      Parameter& copy = copied->add(parameter.name, parameter.value.shape(), Init::zeros,
                                    parameter.decay, parameter.packs);
      backend_->copy(copy.value, parameter.value);
    }
    return copied;
  };
  // At a constant rate nothing but the moments tells one step from another.
  const OptimiserSettings constant{.total_steps = 100, .floor_ratio = 1};
  const auto first = copy_of(98), later = copy_of(99);
  Optimiser fresh(*first, constant), begun(*later, constant);
  begun.step(lanes(*later, 2, 70));
  for (const Parameter& parameter : first->all())
    backend_->copy(later->find(parameter.name)->value, parameter.value);
  begun.begin_at(40);
  for (std::uint32_t step = 0; step < 3; ++step) {
    fresh.step(lanes(*first, 2, 90 + 10 * step));
    begun.step(lanes(*later, 2, 90 + 10 * step));
  }
  EXPECT_EQ(begun.steps(), 43);
  EXPECT_EQ(values_of(*first), values_of(*later));

  // The schedule is that of the step, and a state remembers where the moments began.
  const OptimiserSettings settings{.warmup_steps = 2, .total_steps = 60};
  Optimiser whole(*first, settings), resumed(*later, settings);
  whole.begin_at(40);
  EXPECT_EQ(whole.step(lanes(*first, 2, 130)).learning_rate, whole.learning_rate(41));
  for (const Parameter& parameter : first->all())
    backend_->copy(later->find(parameter.name)->value, parameter.value);
  resumed.restore(whole.state(), "training.safetensors");
  whole.step(lanes(*first, 2, 140));
  resumed.step(lanes(*later, 2, 140));
  EXPECT_EQ(values_of(*first), values_of(*later));

  auto beyond = whole.state();
  ASSERT_EQ(beyond.back().name, "optimiser.moments_begin");
  for (const float wrong : {43.0f, -1.0f, 0.5f}) {
    beyond.back().values[0] = wrong;
    EXPECT_THROW(resumed.restore(beyond, "training.safetensors"), Error) << wrong;
  }
}

TEST_F(OptimiserTest, RefusesAStateThatDoesNotFit) {
  Optimiser optimiser(parameters_, {});
  optimiser.step({lane(parameters_, 100)});
  const auto good = optimiser.state();
  auto missing = good;
  missing.erase(missing.begin());
  auto short_one = good;
  short_one[1].values.pop_back();
  auto no_step = good;
  no_step.back().values[0] = -1;
  for (const auto& bad : {missing, short_one, no_step}) {
    Optimiser fresh(parameters_, {});
    try {
      fresh.restore(bad, "training.safetensors");
      ADD_FAILURE() << "took a state that does not fit";
    } catch (const Error& error) {
      EXPECT_EQ(error.place(), "training.safetensors");
    }
    EXPECT_EQ(fresh.steps(), 0);
  }
}

TEST_F(OptimiserTest, RenewsThePanelsOfTheProducts) {
  Parameter& weight = *parameters_.find("receiver.head.weight");
  Optimiser optimiser(parameters_, {.learning_rate = 0.5});
  const Tensor identity = backend_->zeros({5, 5});
  for (int i = 0; i < 5; ++i)
    backend_->fill(identity.reshape({25, 1}).row_range(6 * i, 6 * i + 1), 1.0f);
  optimiser.step({lane(parameters_, 110)});
  Pass pass{.backend = *backend_, .draws = {}};
  const std::vector<float> transposed =
      host(*backend_, linear(pass, Var(identity), weight, nullptr).value());  // [in, out]
  const std::vector<float> value = host(*backend_, weight.value);             // [out, in]
  for (std::size_t out = 0; out < 3; ++out)
    for (std::size_t in = 0; in < 5; ++in) EXPECT_EQ(transposed[in * 3 + out], value[out * 5 + in]);
}

TEST_F(OptimiserTest, DoesNotDependOnTheNumberOfThreads) {
  std::vector<std::vector<std::vector<float>>> results;
  for (const int threads : {0, 1, 3}) {
    ParameterSet large(*backend_, 8);
    large.add("a.weight", {300, 331}, Init::kaiming_uniform,
              true);  // several chunks, the last one short
    large.add("b.bias", {77}, Init::zeros);
    std::unique_ptr<ThreadPool> pool =
        threads > 0 ? std::make_unique<ThreadPool>(threads) : nullptr;
    Optimiser optimiser(large, {.learning_rate = 0.1}, pool.get());
    double norm = 0;
    for (std::uint32_t step = 0; step < 3; ++step)
      norm = optimiser.step(lanes(large, 8, 200 + step)).gradient_norm;
    results.push_back(values_of(large));
    results.back().push_back({static_cast<float>(norm)});
  }
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

}  // namespace
}  // namespace semwave
