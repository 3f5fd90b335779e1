// Once warm, a shard takes nothing from the heap: every operator new of the program is counted
// here.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "experiment/run/evaluate.h"
#include "tests/fixtures/tiny_model.h"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new[](std::size_t bytes) {
  return counted(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return ++allocations, std::malloc(bytes);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}

namespace semwave {
namespace {

/// Allocations of one evaluation of `images` images.
long allocations_of(const Scenario& base, const Model& model, const Dataset& data, ThreadPool& pool,
                    int images) {
  Scenario scenario = base;
  scenario.stop.max_images = images;
  const long before = allocations;
  evaluate(scenario, model, data, pool, {});
  return allocations - before;
}

void expect_none(const std::vector<std::pair<std::string, Json>>& changes) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "under the address sanitizer every block goes back to the system";
#endif
  const auto backend = make_cpu_backend();
  const Dataset data = tiny::images(2500);
  const Scenario scenario = tiny::scenario(changes);
  const Model model = tiny::model(scenario, *backend);
  // Whatever an evaluation takes once (its records, its policies) is in both counts; the second has
  // 125 shards more. Which worker meets which ragged sizes is chance, so several workers are warm
  // only after a few rounds.
  for (const auto& [threads, rounds] : {std::pair{1, 1}, std::pair{2, 20}}) {
    ThreadPool pool(threads);
    long more = -1;
    for (int round = 0; round < rounds && more != 0; ++round) {
      allocations_of(scenario, model, data, pool, 2500);
      const long few = allocations_of(scenario, model, data, pool, 1500);
      more = allocations_of(scenario, model, data, pool, 2500) - few;
    }
    EXPECT_EQ(more, 0) << "heap allocations of 125 shards, " << threads << " threads";
  }
}

TEST(SteadyState, AShardTakesNothingFromTheHeap) {
  expect_none(
      {{"/channel",
        Json{{"kind", "rayleigh"}, {"snr_db", {{"uniform", {-5, 20}}}}, {"coherence", "image"}}}});
}

TEST(SteadyState, NorDoesOneOverOfdmOrWithLosses) {
  expect_none({{"/channel", Json{{"kind", "tdl"},
                                 {"snr_db", 15},
                                 {"csi", {{"receiver", "estimated"}}},
                                 {"interference", {{"kind", "qpsk"}, {"sir_db", 20}}}}}});
  expect_none({{"/channel", "gilbert_elliott"}});
}

TEST(SteadyState, NorDoesOneOverAChain) {
  expect_none({{"/channel", Json{{"kind", "chain"},
                                 {"of",
                                  {{{"kind", "nakagami"}, {"m", 0.7}, {"coherence", "symbol"}},
                                   "impulsive",
                                   "phase_noise",
                                   "erasure"}}}}});
}

TEST(SteadyState, NorDoesADigitalLink) {
  expect_none({{"/transmitter/link", Json{{"kind", "digital"}, {"bits_per_value", 3}}},
               {"/channel", Json{{"kind", "rayleigh"}, {"snr_db", {{"uniform", {-5, 20}}}}}}});
}

}  // namespace
}  // namespace semwave
