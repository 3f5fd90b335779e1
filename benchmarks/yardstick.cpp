// Times the yardstick. Alone: Google Benchmark. `--serve`: rounds on request, so that a driver can
// let semwave and its peers take turns in one run. `--export DIR`: weights, images and logits for
// peers to check themselves against.
//
// Requests, one a line (batch, threads, repetitions, images per shard; 0 or none: what the backend
// likes), each answered by one line of JSON:
//   forward|keep|half|train|profile 64 2 20 [8]    peak THREADS REPETITIONS    losses BATCH STEPS
//   (of a fresh network)
// `profile` is a forward pass whose kernels are timed one by one.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "benchmarks/yardstick.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/config/json.h"
#include "core/tensor/checkpoint.h"
#include "core/tensor/profiling_backend.h"

namespace semwave::yardstick {
namespace {

constexpr int warm_up = 3;             // repetitions before those that are timed
constexpr int peak_turns = 1'000'000;  // about 1.5 ms

Backend& backend() {
  static const std::unique_ptr<Backend> made = make_cpu_backend();
  return *made;
}

const Network& network() {
  static const Network made(backend());
  return made;
}

ThreadPool& pool(int threads) {
  static std::map<int, std::unique_ptr<ThreadPool>> made;
  auto& found = made[threads];
  if (!found) found = std::make_unique<ThreadPool>(threads);
  return *found;
}

Training& training(int threads) {
  static std::map<int, std::unique_ptr<Training>> made;
  auto& found = made[threads];
  if (!found) found = std::make_unique<Training>(backend(), pool(threads));
  return *found;
}

int shard_of(int asked) {
  return asked > 0 ? asked : std::max(1, backend().preferred_shard());
}

// Serving
// -------------------------------------------------------------------------------------------------

template <typename Body>
Json timed(int repetitions, Body&& body) {
  for (int i = 0; i < warm_up; ++i) body();
  Json seconds = Json::array();
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return seconds;
}

Json answer(const std::string& line) {
  std::istringstream words(line);
  std::string what;
  words >> what;
  if (what == "peak") {
    int threads = 0, repetitions = 0;
    if (!(words >> threads >> repetitions) || threads < 1 || repetitions < 1)
      throw Error(line, "expected: peak THREADS REPETITIONS");
    double operations = 0;
    const Json seconds =
        timed(repetitions, [&] { operations = multiply_add_peak(pool(threads), peak_turns); });
    return {{"seconds", seconds}, {"operations", operations}};
  }
  if (what == "losses") {
    int batch = 0, steps = 0;
    if (!(words >> batch >> steps) || batch < 1 || batch > image_count || steps < 1)
      throw Error(line, "expected: losses BATCH STEPS");
    Training fresh(backend(), pool(1));
    Json losses = Json::array();
    for (int i = 0; i < steps; ++i) losses.push_back(fresh.step(batch, shard_of(0)));
    return {{"losses", losses}};
  }
  int batch = 0, threads = 0, repetitions = 0, shard = 0;
  if (!(words >> batch >> threads >> repetitions) || batch < 1 || batch > image_count ||
      threads < 1 || repetitions < 1)
    throw Error(line, "expected: WHAT BATCH THREADS REPETITIONS [SHARD], at most " +
                          std::to_string(image_count) + " images");
  words >> shard;
  shard = shard_of(shard);
  if (what == "train") {
    double loss = 0;
    const Json seconds = timed(repetitions, [&] { loss = training(threads).step(batch, shard); });
    return {{"seconds", seconds}, {"shard", shard}, {"loss", loss}};
  }
  if (what == "profile") {
    const std::unique_ptr<ProfilingBackend> profiling = make_profiling_backend(backend());
    const Network profiled(*profiling);
    std::vector<float> logits(static_cast<std::size_t>(batch) * classes);
    const Json seconds = timed(repetitions, [&] {
      forward(profiled, batch, shard, pool(threads), Skip::nothing, logits.data());
    });
    Json kernels = Json::array();  // of the warm-up too
    for (const ProfilingBackend::Line& kernel : profiling->lines())
      if (kernel.kernel != "pack" && kernel.kernel != "copy")  // made once, with the network
        kernels.push_back({{"kernel", kernel.kernel},
                           {"calls", kernel.calls},
                           {"seconds", kernel.seconds},
                           {"operations", kernel.operations},
                           {"product", kernel.product}});
    return {{"seconds", seconds},
            {"shard", shard},
            {"repetitions", warm_up + repetitions},
            {"kernels", kernels}};
  }
  const std::map<std::string, Skip> skips{
      {"forward", Skip::nothing}, {"keep", Skip::tokens}, {"half", Skip::blocks}};
  const auto skip = skips.find(what);
  if (skip == skips.end())
    throw Error(line, "expected forward, keep, half, train, profile, losses or peak");
  std::vector<float> logits(static_cast<std::size_t>(batch) * classes);
  double operations = 0;
  const Json seconds = timed(repetitions, [&] {
    operations = forward(network(), batch, shard, pool(threads), skip->second, logits.data());
  });
  return {{"seconds", seconds}, {"shard", shard}, {"operations", operations}};
}

int serve() {
  std::string line;
  while (std::getline(std::cin, line)) {
    Json made;
    try {
      made = answer(line);
    } catch (const std::exception& error) {
      made = {{"error", error.what()}};
    }
    std::cout << made.dump() << std::endl;
  }
  return 0;
}

void export_to(const std::string& folder) {
  std::filesystem::create_directories(folder);
  Checkpoint checkpoint;
  for (const Parameter& parameter : network().parameters().all()) {
    NamedArray array{.name = parameter.name, .shape = {}, .values = {}};
    const Shape& shape = parameter.stored.rank() > 0 ? parameter.stored : parameter.value.shape();
    for (int axis = 0; axis < shape.rank(); ++axis) array.shape.push_back(shape[axis]);
    array.values.resize(static_cast<std::size_t>(parameter.value.size()));
    backend().to_host(parameter.value, array.values.data());
    checkpoint.arrays.push_back(std::move(array));
  }
  write_checkpoint(folder + "/weights.safetensors", checkpoint);
  const auto raw = [&](const char* name, const std::vector<float>& values) {
    write_file_whole(folder + "/" + name, values.data(), values.size() * sizeof(float));
  };
  raw("images.f32", images());
  std::vector<float> logits(static_cast<std::size_t>(image_count) * classes);
  forward(network(), image_count, shard_of(0), pool(1), Skip::nothing, logits.data());
  raw("logits.f32", logits);
}

// Google Benchmark
// -------------------------------------------------------------------------------------------------

void rate(benchmark::State& state, double operations) {
  state.counters["flops"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}

void forward_case(benchmark::State& state, Skip skip) {
  const int batch = static_cast<int>(state.range(0)),
            shard = shard_of(static_cast<int>(state.range(2)));
  ThreadPool& threads = pool(static_cast<int>(state.range(1)));
  std::vector<float> logits(static_cast<std::size_t>(batch) * classes);
  double operations = 0;
  for (auto _ : state) operations = forward(network(), batch, shard, threads, skip, logits.data());
  rate(state, operations);
}

void Forward(benchmark::State& state) {
  forward_case(state, Skip::nothing);
}
void KeepQuarter(benchmark::State& state) {
  forward_case(state, Skip::tokens);
}
void HalfDepth(benchmark::State& state) {
  forward_case(state, Skip::blocks);
}

// Arguments: batch, threads, images per shard (0: what the backend likes).
BENCHMARK(Forward)
    ->UseRealTime()
    ->Args({1, 1, 0})
    ->Args({64, 1, 0})
    ->Args({64, 2, 0})
    ->Args({64, 2, 1})
    ->Args({64, 2, 2})
    ->Args({64, 2, 4})
    ->Args({64, 2, 8})
    ->Args({64, 2, 16});
BENCHMARK(KeepQuarter)->UseRealTime()->Args({1, 1, 0})->Args({64, 2, 0});
BENCHMARK(HalfDepth)->UseRealTime()->Args({1, 1, 0})->Args({64, 2, 0});

void TrainingStep(benchmark::State& state) {
  const int batch = static_cast<int>(state.range(0)),
            shard = shard_of(static_cast<int>(state.range(2)));
  Training& run = training(static_cast<int>(state.range(1)));
  std::vector<float> logits(static_cast<std::size_t>(batch) * classes);
  const double operations = forward(network(), batch, shard, pool(1), Skip::nothing, logits.data());
  for (auto _ : state) benchmark::DoNotOptimize(run.step(batch, shard));
  rate(state, 3 * operations);
}
BENCHMARK(TrainingStep)
    ->UseRealTime()
    ->Args({64, 1, 0})
    ->Args({64, 2, 0})
    ->Args({64, 2, 2})
    ->Args({64, 2, 4})
    ->Args({64, 2, 8});

void MultiplyAddPeak(benchmark::State& state) {
  double operations = 0;
  for (auto _ : state)
    operations = multiply_add_peak(pool(static_cast<int>(state.range(0))), peak_turns);
  rate(state, operations);
}
BENCHMARK(MultiplyAddPeak)->UseRealTime()->Arg(1)->Arg(2);

}  // namespace
}  // namespace semwave::yardstick

int main(int count, char** words) {
  using namespace semwave::yardstick;
  const std::string_view first = count > 1 ? words[1] : "";
  try {
    if (first == "--serve") return serve();
    if (first == "--export" && count == 3) {
      export_to(words[2]);
      return 0;
    }
  } catch (const std::exception& error) {
    std::cerr << "yardstick: " << error.what() << '\n';
    return 1;
  }
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
