// The pool runs every task once, says what was thrown, and goes on afterwards.
#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace semwave {
namespace {

TEST(ThreadPool, RunsEachTaskOnceForAnyNumberOfThreadsAndTasks) {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int count : {0, 1, 2, 3, 8, 1000}) {
      std::vector<std::atomic<int>> times(static_cast<std::size_t>(count));
      pool.run(count, [&](int task) { ++times[static_cast<std::size_t>(task)]; });
      for (const auto& n : times) ASSERT_EQ(n.load(), 1);
    }
  }
}

// Rounds so short that workers come late to most of them: none may run a task of another round,
// none may be lost.
TEST(ThreadPool, ShortRoundsInQuickSuccessionStayApart) {
  ThreadPool pool(4);
  std::atomic<long> wrong{0}, ran{0};
  for (int round = 0; round < 4000; ++round) {
    const int count = 1 + round % 7;
    const int mark = round;
    pool.run(count, [&, mark, count](int task) {
      if (task >= count || mark != round) ++wrong;
      ++ran;
    });
  }
  EXPECT_EQ(wrong.load(), 0);
  long expected = 0;
  for (int round = 0; round < 4000; ++round) expected += 1 + round % 7;
  EXPECT_EQ(ran.load(), expected);
}

TEST(ThreadPool, ParkedWorkersWakeForTheNextRound) {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far longer than they spin
    // Each task waits for the other, so the round ends only if a second thread takes part.
    std::atomic<int> arrived{0};
    pool.run(2, [&](int) {
      ++arrived;
      while (arrived.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived.load(), 2);
  }
}

TEST(ThreadPool, RethrowsTheExceptionOfTheLowestTaskAfterAllHaveRun) {
  for (int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::atomic<int> ran{0};
    try {
      pool.run(50, [&](int task) {
        ++ran;
        if (task % 10 == 7) throw std::runtime_error("task " + std::to_string(task));
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "task 7");
    }
    EXPECT_EQ(ran.load(), 50);
    EXPECT_NO_THROW(pool.run(10, [&](int) { ++ran; }));
    EXPECT_EQ(ran.load(), 60);
  }
}

TEST(ThreadPool, OneThreadRunsOnTheCaller) {
  ThreadPool pool(1);
  std::set<std::thread::id> seen;
  pool.run(20, [&](int) { seen.insert(std::this_thread::get_id()); });
  EXPECT_EQ(seen, std::set<std::thread::id>{std::this_thread::get_id()});
}

}  // namespace
}  // namespace semwave
