// Workers that take task indices from one counter.
#include "core/base/thread_pool.h"

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace semwave {
namespace {

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until `value` is no longer `old`: spins for about 30 us (a step's next shards usually come
/// sooner), then parks.
void wait_for_change(const std::atomic<int>& value, int old) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(30);
  do {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      pause();
    }
  } while (std::chrono::steady_clock::now() < until);
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::State {
  // Round, number of tasks and next task in one word (20, 22 and 22 bits). A worker claims a task
  // by adding one with compare-and-swap, which fails if the round has moved on; so the body it has
  // read is that of the task it claims.
  static constexpr int task_bits = 22;
  static constexpr std::uint64_t task_mask = (std::uint64_t{1} << task_bits) - 1;
  std::atomic<std::uint64_t> ticket{0};
  std::atomic<const TaskBody*> body{nullptr};
  std::atomic<int> unfinished{0};
  std::atomic<int> round{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;  // guards the two below
  std::exception_ptr exception;
  int exception_task = 0;
  bool running = false;  // of the owning thread; catches a nested run
  std::vector<std::thread> workers;

  void work() {
    for (;;) {
      std::uint64_t claimed = ticket.load(std::memory_order_acquire);
      const TaskBody* task_body = body.load(std::memory_order_relaxed);
      const int task = static_cast<int>(claimed & task_mask);
      if (task >= static_cast<int>((claimed >> task_bits) & task_mask)) return;
      if (!ticket.compare_exchange_weak(claimed, claimed + 1, std::memory_order_acq_rel)) continue;
      try {
        task_body->call(task_body->called, task);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!exception || task < exception_task) {
          exception = std::current_exception();
          exception_task = task;
        }
      }
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished.notify_all();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  for (int i = 1; i < threads; ++i) {
    state_->workers.emplace_back([state = state_.get()] {
      int seen = 0;
      for (;;) {
        wait_for_change(state->round, seen);
        seen = state->round.load(std::memory_order_acquire);
        if (state->stop.load(std::memory_order_acquire)) return;
        state->work();
      }
    });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_release);
  state_->round.fetch_add(1, std::memory_order_acq_rel);
  state_->round.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run_tasks(int count, TaskBody body) {
  if (count <= 0) return;
  State& state = *state_;
  assert(!state.running && "ThreadPool::run inside a task of the same pool");
  assert(static_cast<std::uint64_t>(count) <= State::task_mask);
  state.running = true;
  state.body.store(&body, std::memory_order_relaxed);
  state.unfinished.store(count, std::memory_order_relaxed);
  const std::uint64_t next_round =
      (state.ticket.load(std::memory_order_relaxed) >> (2 * State::task_bits)) + 1;
  state.ticket.store(next_round << (2 * State::task_bits) | static_cast<std::uint64_t>(count)
                                                                << State::task_bits,
                     std::memory_order_release);
  if (count > 1 && !state.workers.empty()) {
    state.round.fetch_add(1, std::memory_order_acq_rel);
    state.round.notify_all();
  }
  state.work();
  for (int left = state.unfinished.load(std::memory_order_acquire); left != 0;
       left = state.unfinished.load(std::memory_order_acquire))
    wait_for_change(state.unfinished, left);
  state.running = false;
  if (state.exception) {
    const std::exception_ptr thrown = std::exchange(state.exception, nullptr);
    std::rethrow_exception(thrown);
  }
}

}  // namespace semwave
