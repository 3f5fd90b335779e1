// Blocks are aligned, large enough, never handed out twice, and found again, whichever thread gave
// them back.
#include "core/base/pooled_vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>

namespace semwave {
namespace {

TEST(PooledVector, BlocksAreAlignedAndDoNotOverlap) {
  std::mt19937 random(3);
  std::vector<std::pair<unsigned char*, std::size_t>> taken;
  for (int i = 0; i < 3000; ++i) {
    const std::size_t bytes =
        std::uniform_int_distribution<std::size_t>(0, i % 100 == 0 ? 5'000'000 : 9000)(random);
    auto* block = static_cast<unsigned char*>(take_block(bytes));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
    std::memset(block, i % 251, bytes);
    taken.emplace_back(block, bytes);
    if (i % 3 == 0) {  // give one back, so that used blocks come round again
      const std::size_t at = random() % taken.size();
      give_block(taken[at].first, taken[at].second);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  std::sort(taken.begin(), taken.end());
  for (std::size_t i = 0; i + 1 < taken.size(); ++i)
    ASSERT_LE(taken[i].first + taken[i].second, taken[i + 1].first);
  for (const auto& [block, bytes] : taken) give_block(block, bytes);
}

TEST(PooledVector, ABlockIsFoundAgain) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "under the address sanitizer every block goes back to the system";
#endif
  for (const std::size_t bytes : {1u, 64u, 65u, 192u, 193u, 100'000u, 3'000'000u}) {
    void* block = take_block(bytes);
    give_block(block, bytes);
    void* again = take_block(bytes);
    EXPECT_EQ(again, block) << bytes;
    give_block(again, bytes);
  }
}

TEST(PooledVector, AThreadThatEndsLeavesItsBlocksToTheOthers) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "under the address sanitizer every block goes back to the system";
#endif
  constexpr std::size_t bytes = 40'000'000;  // a class no other test of this program uses
  void* block = nullptr;
  std::thread([&] {
    block = take_block(bytes);
    give_block(block, bytes);
  }).join();
  void* again = take_block(bytes);
  EXPECT_EQ(again, block);
  give_block(again, bytes);
}

}  // namespace
}  // namespace semwave
