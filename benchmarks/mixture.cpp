// Times the real pipeline (experiment/run/evaluate.cpp: plan, transmit, fade, receive, decide) with
// a mixture of 8 experts, one a token, and with a dense receiver whose feed-forward is as large as
// one of them: the same operations but for the router. Class only, tokens as a set (with positions
// the receiver fills the grid again, and keep would change nothing there). Both are trained for
// some steps with the balance loss first, since a fresh router sends nearly every token to one
// expert.
//
// `--serve`: requests `dense|mixture KEEP BATCH THREADS REPETITIONS [SHARD]`, one a line, each
// answered by one line of JSON: seconds of each repetition from beginning to end, and those of the
// receiver alone (summed over the threads, divided by their number).
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/random/random.h"
#include "core/tensor/optimiser.h"
#include "experiment/run/evaluate.h"
#include "experiment/train/training_step.h"

namespace semwave {
namespace {

constexpr int image_count = 64, experts = 8, warm_up = 2, training_steps = 120;

Backend& backend() {
  static const std::unique_ptr<Backend> made = make_cpu_backend();
  return *made;
}

ThreadPool& pool(int threads) {
  static std::map<int, std::unique_ptr<ThreadPool>> made;
  auto& found = made[threads];
  if (!found) found = std::make_unique<ThreadPool>(threads);
  return *found;
}

/// Squares of another place, size and grey for each image over a little noise, so that tokens
/// differ and experts share the work.
const Dataset& data() {
  static const Dataset made = [] {
    Dataset d{.name = "squares", .height = 28, .width = 28, .channels = 1, .classes = 10};
    for (std::uint32_t i = 0; i < image_count; ++i) {
      const RandomWords words = philox(1, Purpose::data_bits, i, 0, 0);
      const int top = static_cast<int>(words[0] % 20), left = static_cast<int>(words[1] % 20),
                side = 4 + static_cast<int>(words[2] % 12),
                grey = 64 + static_cast<int>(words[3] % 160);
      for (int y = 0; y < 28; ++y)
        for (int x = 0; x < 28; ++x) {
          const int noise = static_cast<int>(
              philox(1, Purpose::data_bits, i, 1, static_cast<std::uint32_t>(y * 28 + x))[0] % 32);
          const bool inside = y >= top && y < top + side && x >= left && x < left + side;
          d.pixels.push_back(static_cast<std::uint8_t>((inside ? grey : 0) + noise));
        }
      d.labels.push_back(static_cast<std::int32_t>(i % 10));
    }
    return d;
  }();
  return made;
}

Scenario scenario(bool mixture, double keep) {
  const Json stage = {{"channels", 128}, {"kernel", 4}, {"stride", 4}, {"padding", 0}};
  const Json description = {
      {"version", 1},
      {"name", "mixture"},
      {"seed", 1},
      {"source",
       {{"dataset", "fashion-mnist"},
        {"count", image_count}}},  // never loaded: the squares take its place
      {"model",
       {{"architecture",
         {{"image", {28, 28, 1}},
          {"classes", 10},
          {"dim", 128},
          {"heads", 4},
          {"tokeniser", Json::array({stage})},
          {"transmitter", {{"blocks", 4}, {"hidden", 256}}},
          {"receiver", {{"blocks", 2}, {"hidden", 256}, {"experts", mixture ? experts : 1}}},
          {"image_head", false}}}}},
      {"transmitter",
       {{"kind", "semantic"},
        {"gate", {{"kind", "learned"}, {"at", {2}}}},
        {"exit", {{"kind", "fixed"}}},
        {"policy", {{"kind", "fixed"}, {"keep", keep}, {"depth", 4}, {"symbols_per_token", 4}}},
        {"positions", "none"}}},
      {"channel", {{"kind", "awgn"}, {"snr_db", 10}}},
      {"receiver",
       {{"kind", "semantic"}, {"equaliser", "mmse"}, {"router", {{"kind", "top_k"}, {"k", 1}}}}},
      {"metrics", {"accuracy"}},
      {"train", {{"losses", {{"balance", 0.3}, {"z", 0.001}}}, {"keep", {{"choice", {1, 0.25}}}}}}};
  return parse_scenario(description, "mixture benchmark");
}

/// Trained on the squares at its first use.
const Model& model(bool mixture, ThreadPool& threads) {
  static std::map<bool, Model> made;
  const auto found = made.find(mixture);
  if (found != made.end()) return found->second;
  const Scenario training = scenario(mixture, 1);
  const Model& trained = made.emplace(mixture, make_model(training, backend())).first->second;
  TrainingStep step(training, trained, data(), threads, 0);
  Optimiser optimiser(*trained.parameters,
                      {.learning_rate = 1e-3, .floor_ratio = 1, .frozen = {"receiver.mean_image"}},
                      &threads);
  std::vector<std::int32_t> indices(image_count);
  std::iota(indices.begin(), indices.end(), 0);
  for (int i = 0; i < training_steps; ++i) {
    step.run(indices, i);
    optimiser.step(step.lanes());
  }
  return trained;
}

Json answer(const std::string& line) {
  std::istringstream words(line);
  std::string what;
  double keep = 0;
  int batch = 0, threads = 0, repetitions = 0, shard = 0;
  if (!(words >> what >> keep >> batch >> threads >> repetitions) ||
      (what != "dense" && what != "mixture") || batch < 1 || batch > image_count || threads < 1 ||
      repetitions < 1)
    throw Error(line, "expected: dense|mixture KEEP BATCH THREADS REPETITIONS [SHARD], at most " +
                          std::to_string(image_count) + " images");
  words >> shard;
  const Scenario asked = scenario(what == "mixture", keep);
  const Model& measured = model(what == "mixture", pool(threads));
  Dataset images = data();
  images.labels.resize(static_cast<std::size_t>(batch));
  const EvaluateOptions options{.shard = shard, .interrupt = nullptr, .progress = {}};
  Json whole = Json::array(), receiver = Json::array();
  PointResult result;
  for (int i = 0; i < warm_up + repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    result = evaluate(asked, measured, images, pool(threads), options);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i < warm_up) continue;
    whole.push_back(seconds);
    receiver.push_back(result.receiver_seconds / threads);
  }
  double tokens = 0;
  for (const ImageRecord& record : result.images) tokens += record.tokens;
  return {{"seconds", whole},
          {"receiver_seconds", receiver},
          {"receiver_operations", result.receiver_operations},
          {"transmitter_operations", result.transmitter_operations},
          {"tokens", tokens / batch},
          {"expert_load", result.expert_load},
          {"shard", shard > 0 ? shard : backend().preferred_shard()}};
}

}  // namespace
}  // namespace semwave

int main(int count, char** words) {
  if (count != 2 || std::string_view(words[1]) != "--serve") {
    std::cerr << "usage: mixture --serve (see the head of benchmarks/mixture.cpp; "
                 "benchmarks/claims/mixture.py asks it)\n";
    return 2;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    semwave::Json made;
    try {
      made = semwave::answer(line);
    } catch (const std::exception& error) {
      made = {{"error", error.what()}};
    }
    std::cout << made.dump() << std::endl;
  }
  return 0;
}
