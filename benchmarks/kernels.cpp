// Kernels of the CPU backend on one thread, beside the machine's own peak of fused multiply-adds.
// `flops` counts a multiply-add as 2; other rates are elements a second.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/yardstick.h"
#include "core/base/thread_pool.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "core/tensor/ragged.h"

namespace semwave {
namespace {

Backend& backend() {
  static const std::unique_ptr<Backend> made = make_cpu_backend();
  return *made;
}

Tensor random_tensor(Shape shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(
        2 * uniform(philox(1, Purpose::data_bits, 0, 0, static_cast<std::uint32_t>(i))[0]) - 1);
  return backend().from_host(shape, values.data());
}

std::shared_ptr<const Ragged> grid(int images, int rows) {
  return Ragged::full(images, rows);
}

void rate(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] =
      benchmark::Counter(per_iteration, benchmark::Counter::kIsIterationInvariantRate);
}

void FusedMultiplyAddPeak(benchmark::State& state) {
  constexpr int turns = 1000;
  float left = 0;
  double operations = 0;
  for (auto _ : state) operations = yardstick::multiply_add(turns, &left);
  benchmark::DoNotOptimize(left);
  rate(state, "flops", operations);
}
BENCHMARK(FusedMultiplyAddPeak);

// Arguments: rows, in, out.
void products(benchmark::internal::Benchmark* cases) {
  for (int rows : {1, 4, 12, 49, 196, 392}) cases->Args({rows, 128, 256});
  cases->Args({196, 96, 96})
      ->Args({196, 96, 288})
      ->Args({196, 192, 96})
      ->Args({392, 256, 128})
      ->Args({392, 512, 128})
      ->Args({784, 27, 64});
  cases->Args({196, 216, 96})->Args({49, 128, 10})->Args({49, 128, 1});
}

void Linear(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const Tensor x = random_tensor({rows, in}), bias = random_tensor({out}),
               y = backend().empty({rows, out});
  const PackedMatrix w = backend().pack(random_tensor({out, in}), true);
  for (auto _ : state) backend().linear(y, x, w, bias, Activation::none, {}, {});
  rate(state, "flops", 2.0 * static_cast<double>(rows * in * out));
}
BENCHMARK(Linear)->Apply(products);

void LinearGelu(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const Tensor x = random_tensor({rows, in}), bias = random_tensor({out}),
               y = backend().empty({rows, out}), before = backend().empty({rows, out});
  const PackedMatrix w = backend().pack(random_tensor({out, in}), true);
  for (auto _ : state) backend().linear(y, x, w, bias, Activation::gelu, {}, before);
  rate(state, "flops", 2.0 * static_cast<double>(rows * in * out));
}
BENCHMARK(LinearGelu)->Args({196, 128, 256});

void LinearBackwardInput(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const Tensor dy = random_tensor({rows, out}), dx = backend().zeros({rows, in});
  const PackedMatrix w = backend().pack(random_tensor({out, in}), false);
  for (auto _ : state) backend().linear_backward_input(dx, dy, w);
  rate(state, "flops", 2.0 * static_cast<double>(rows * in * out));
}
BENCHMARK(LinearBackwardInput)->Args({196, 128, 256})->Args({392, 128, 512});

void LinearBackwardWeight(benchmark::State& state) {
  const std::int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const Tensor x = random_tensor({rows, in}), dy = random_tensor({rows, out}),
               dw = backend().zeros({out, in}), dbias = backend().zeros({out});
  for (auto _ : state) backend().linear_backward_weight(dw, dbias, dy, x);
  rate(state, "flops", 2.0 * static_cast<double>(rows * in * out));
}
BENCHMARK(LinearBackwardWeight)->Apply(products);

// Arguments: images, rows of each, dim, heads.
void attentions(benchmark::internal::Benchmark* cases) {
  cases->Args({8, 49, 128, 4})
      ->Args({8, 64, 128, 2})
      ->Args({8, 49, 96, 4})
      ->Args({8, 12, 128, 4})
      ->Args({8, 3, 128, 4})
      ->Args({1, 256, 128, 2});
}

void Attention(benchmark::State& state) {
  const auto layout = grid(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  const std::int64_t rows = layout->rows(), dim = state.range(2);
  const Tensor qkv = random_tensor({rows, 3 * dim}), y = backend().empty({rows, dim});
  for (auto _ : state)
    backend().attention(y, {}, qkv, *layout, static_cast<int>(state.range(3)), {});
  rate(state, "flops", 4.0 * static_cast<double>(rows * state.range(1) * dim));
}
BENCHMARK(Attention)->Apply(attentions);

void AttentionBackward(benchmark::State& state) {
  const auto layout = grid(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  const int heads = static_cast<int>(state.range(3));
  const std::int64_t rows = layout->rows(), dim = state.range(2);
  const Tensor qkv = random_tensor({rows, 3 * dim}), y = backend().empty({rows, dim}),
               dqkv = backend().zeros({rows, 3 * dim});
  const Tensor weights = backend().empty({Backend::attention_weights_size(*layout, heads)});
  backend().attention(y, weights, qkv, *layout, heads, {});
  const Tensor dy = random_tensor({rows, dim});
  for (auto _ : state) backend().attention_backward(dqkv, {}, dy, weights, qkv, *layout, heads);
  rate(state, "flops", 8.0 * static_cast<double>(rows * state.range(1) * dim));
}
BENCHMARK(AttentionBackward)->Apply(attentions);

void LayerNorm(benchmark::State& state) {
  const std::int64_t rows = 392, dim = state.range(0);
  const Tensor x = random_tensor({rows, dim}), y = backend().empty({rows, dim}),
               kept = backend().empty({rows, 2}), gamma = random_tensor({dim});
  for (auto _ : state) backend().layer_norm(y, kept, x, gamma, gamma, {}, {});
  rate(state, "elements", static_cast<double>(rows * dim));
}
BENCHMARK(LayerNorm)->Arg(96)->Arg(128);

void LayerNormBackward(benchmark::State& state) {
  const std::int64_t rows = 392, dim = state.range(0);
  const Tensor x = random_tensor({rows, dim}), y = backend().empty({rows, dim}),
               kept = backend().empty({rows, 2}), gamma = random_tensor({dim});
  const Tensor dx = backend().zeros({rows, dim}), dgamma = backend().zeros({dim}),
               dbeta = backend().zeros({dim});
  backend().layer_norm(y, kept, x, gamma, gamma, {}, {});
  for (auto _ : state)
    backend().layer_norm_backward(dx, dgamma, dbeta, {}, x, x, kept, gamma, {}, {});
  rate(state, "elements", static_cast<double>(rows * dim));
}
BENCHMARK(LayerNormBackward)->Arg(96)->Arg(128);

void GeluBackward(benchmark::State& state) {
  const Tensor x = random_tensor({392, 256}), dx = backend().empty({392, 256});
  for (auto _ : state) backend().activation_backward(dx, x, x, Activation::gelu);
  rate(state, "elements", 392.0 * 256);
}
BENCHMARK(GeluBackward);

// Arguments: side, channels, stride; windows of 3, padding 1; elements of the matrix of windows.
void windows(benchmark::internal::Benchmark* cases) {
  cases->Args({28, 1, 1})->Args({32, 3, 1})->Args({14, 24, 1})->Args({16, 64, 2});
}

void Patches(benchmark::State& state) {
  const Window window{3, static_cast<int>(state.range(2)), 1};
  const std::int64_t side = state.range(0), channels = state.range(1),
                     out = window.out(static_cast<int>(side));
  const Tensor x = random_tensor({8, side, side, channels}),
               y = backend().empty({8 * out * out, channels * 9});
  for (auto _ : state) backend().patches(y, x, window);
  rate(state, "elements", static_cast<double>(y.size()));
}
BENCHMARK(Patches)->Apply(windows);

void PatchesBackward(benchmark::State& state) {
  const Window window{3, static_cast<int>(state.range(2)), 1};
  const std::int64_t side = state.range(0), channels = state.range(1),
                     out = window.out(static_cast<int>(side));
  const Tensor dx = backend().zeros({8, side, side, channels}),
               dy = random_tensor({8 * out * out, channels * 9});
  for (auto _ : state) backend().patches_backward(dx, dy, window);
  rate(state, "elements", static_cast<double>(dy.size()));
}
BENCHMARK(PatchesBackward)->Apply(windows);

void OptimiserStep(benchmark::State& state) {
  const Tensor value = random_tensor({500000}), gradient = random_tensor({500000}),
               first = backend().zeros({500000}), second = backend().zeros({500000});
  AdamW settings{1e-3f, 0.9f, 0.999f, 1e-8f, 0.05f, 1};
  for (auto _ : state) backend().adamw(value, gradient, first, second, settings, 1.0f);
  rate(state, "elements", 5e5);
}
BENCHMARK(OptimiserStep);

void PackWeight(benchmark::State& state) {
  const Tensor weight = random_tensor({256, 128});
  for (auto _ : state) benchmark::DoNotOptimize(backend().pack(weight, state.range(0) != 0));
  rate(state, "elements", 256.0 * 128);
}
BENCHMARK(PackWeight)->Arg(0)->Arg(1);

void EmptyTensor(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(backend().empty({392, 128}));
}
BENCHMARK(EmptyTensor);

void PoolRound(benchmark::State& state) {
  ThreadPool pool(static_cast<int>(state.range(0)));
  for (auto _ : state) pool.run(8, [](int) {});
}
BENCHMARK(PoolRound)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace semwave
