// The profiling backend changes no bit and counts what the pass counts.
#include "core/tensor/profiling_backend.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "core/base/thread_pool.h"
#include "core/nn/layers.h"

namespace semwave {
namespace {

std::vector<float> forward(Backend& backend, double& operations) {
  constexpr int images = 3, rows = 11, dim = 32;
  ParameterSet set(backend, 4);
  const Block block(set, "block", dim, 4, 48, 0);
  set.pack(false);
  std::vector<float> values(images * rows * dim);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i % 17) / 17 - 0.4f;
  Pass pass{.backend = backend};
  const Tokens tokens{Var(backend.from_host({images * rows, dim}, values.data())),
                      Ragged::full(images, rows)};
  const Var y = block(pass, tokens, {}).rows;
  operations = pass.operations;
  std::vector<float> out(values.size());
  backend.to_host(y.value(), out.data());
  return out;
}

TEST(Profile, ChangesNoBitAndCountsTheOperationsOfThePass) {
  const auto backend = make_cpu_backend();
  const auto profiling = make_profiling_backend(*backend);
  double expected = 0, counted = 0;
  const std::vector<float> bare = forward(*backend, expected),
                           profiled = forward(*profiling, counted);
  EXPECT_EQ(std::memcmp(bare.data(), profiled.data(), bare.size() * sizeof(float)), 0);
  double operations = 0, seconds = 0;
  std::int64_t products = 0, attentions = 0;
  for (const ProfilingBackend::Line& line : profiling->lines()) {
    operations += line.operations;
    seconds += line.seconds;
    if (line.product) products += line.calls;
    if (line.kernel == "attention") attentions += line.calls;
  }
  EXPECT_EQ(operations, expected);
  EXPECT_EQ(products, 4);  // qkv, out, fc1, fc2
  EXPECT_EQ(attentions, 1);
  EXPECT_GT(seconds, 0);
}

TEST(Profile, TellsProductsApartByTheirWeightAndAddsThreadsUp) {
  const auto backend = make_cpu_backend();
  const auto profiling = make_profiling_backend(*backend);
  ThreadPool pool(3);
  pool.run(12, [&](int) {
    double operations = 0;
    forward(*profiling, operations);
  });
  std::int64_t wide = 0, narrow = 0;
  for (const ProfilingBackend::Line& line : profiling->lines()) {
    if (line.kernel == "linear 32x96") wide = line.calls;
    if (line.kernel == "linear 48x32") narrow = line.calls;
  }
  EXPECT_EQ(wide, 12);
  EXPECT_EQ(narrow, 12);
}

}  // namespace
}  // namespace semwave
