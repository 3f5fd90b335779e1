// The channel's kernels on CUDA against those of the CPU, which tests/phy/signal/signal_test.cpp
// holds against the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "phy/signal/signal_kernels.h"

namespace semwave {
namespace {

/// One device with the same numbers as the other.
struct Side {
  std::unique_ptr<Backend> backend;
  const SignalKernels& kernels;
  std::uint32_t next = 0;

  explicit Side(std::unique_ptr<Backend> on)
      : backend(std::move(on)), kernels(signal_kernels(backend->kind())) {}
  Tensor random(Shape shape, float low, float high) {
    std::vector<float> values(static_cast<std::size_t>(shape.size()));
    for (float& value : values)
      value = low + (high - low) *
                        static_cast<float>(uniform(philox(8, Purpose::data_bits, 0, 0, next++)[0]));
    return backend->from_host(shape, values.data());
  }
  std::vector<float> host(const Tensor& x) const {
    std::vector<float> values(static_cast<std::size_t>(x.size()));
    if (!values.empty()) backend->to_host(x, values.data());
    return values;
  }
  /// Every kernel once, forward and backward; gains of zero among the others.
  std::vector<std::vector<float>> run(std::int64_t rows,
                                      const std::vector<std::int32_t>& segments) {
    const Tensor x = random({rows, 2}, -1, 1), dy = random({rows, 2}, -1, 1),
                 noise = random({rows, 2}, -1, 1), variance = random({rows}, 0, 1);
    std::vector<float> h = host(random({rows, 2}, -1, 1));
    for (std::size_t r = 0; 2 * r < h.size(); r += 5) h[2 * r] = h[2 * r + 1] = 0;
    const Tensor gains = backend->from_host({rows, 2}, h.data());
    std::vector<Tensor> made;
    const Tensor y = backend->empty({rows, 2}),
                 scale = backend->empty({static_cast<std::int64_t>(segments.size()) - 1});
    kernels.unit_power(y, scale, x, segments);
    const Tensor dx = random({rows, 2}, -1, 1), dx2 = random({rows, 2}, -1, 1),
                 heard = backend->empty({rows, 2});
    kernels.unit_power_backward(dx, dy, y, scale, segments);
    kernels.fade_and_noise(heard, y, gains, noise);
    kernels.fade_and_noise_backward(dx2, dy, gains);
    for (const Tensor& result : {y, scale, dx, dx2, heard}) made.push_back(result);
    for (const Equaliser kind : {Equaliser::zero_forcing, Equaliser::mmse}) {
      const Tensor symbols = backend->empty({rows, 2}), error = backend->empty({rows}),
                   d = random({rows, 2}, -1, 1);
      kernels.equalise(symbols, error, heard, gains, variance, kind);
      kernels.equalise_backward(d, dy, gains, variance, kind);
      for (const Tensor& result : {symbols, error, d}) made.push_back(result);
    }
    std::vector<std::vector<float>> values;
    for (const Tensor& result : made) values.push_back(host(result));
    return values;
  }
};

TEST(CudaSignal, AgreesWithTheCpu) {
  for (const auto& segments : std::vector<std::vector<std::int32_t>>{
           {0, 0, 1, 40, 40, 173, 200}, {0, 1, 2, 3}, {0}, {0, 0}}) {
    Side cpu(make_cpu_backend()), cuda(make_cuda_backend());
    const auto expected = cpu.run(segments.back(), segments),
               actual = cuda.run(segments.back(), segments);
    ASSERT_EQ(expected.size(), actual.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(expected[i].size(), actual[i].size());
      for (std::size_t j = 0; j < expected[i].size(); ++j)
        ASSERT_NEAR(actual[i][j], expected[i][j], 2e-6 * (1 + std::abs(expected[i][j])))
            << "result " << i << " [" << j << "]";
    }
  }
}

TEST(CudaSignal, ASegmentWithoutPowerStaysZero) {
  Side cuda(make_cuda_backend());
  const Tensor x = cuda.backend->zeros({4, 2}), y = cuda.backend->empty({4, 2}),
               scale = cuda.backend->empty({1});
  cuda.kernels.unit_power(y, scale, x, std::vector<std::int32_t>{0, 4});
  EXPECT_EQ(cuda.host(y), std::vector<float>(8, 0.0f));
  EXPECT_EQ(cuda.host(scale), std::vector<float>{0.0f});
}

}  // namespace
}  // namespace semwave
