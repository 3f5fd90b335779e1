// What the CPU kernels promise beyond being right: bits that do not depend on the rows beside, one
// order of summation, stated errors of the vector functions, cheap memory, and speed.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "core/cpu/product.h"
#include "core/cpu/transpose.h"
#include "core/cpu/vector.h"
#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "tests/fixtures/ragged.h"

namespace semwave {
namespace {

class Products : public ::testing::Test {
 protected:
  Tensor random(Shape shape) {
    std::vector<float> values(static_cast<std::size_t>(shape.size()));
    for (float& value : values)
      value = static_cast<float>(2 * uniform(philox(5, Purpose::data_bits, 0, 0, next_++)[0]) - 1);
    return backend->from_host(shape, values.data());
  }
  std::vector<float> host(const Tensor& x) {
    std::vector<float> values(static_cast<std::size_t>(x.size()));
    backend->to_host(x, values.data());
    return values;
  }
  bool same_bits(const Tensor& a, const Tensor& b) {
    const std::vector<float> x = host(a), y = host(b);
    return x.size() == y.size() &&
           (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0);
  }

  std::unique_ptr<Backend> backend = make_cpu_backend();
  std::uint32_t next_ = 0;
};

TEST_F(Products, BitsOfARowDoNotDependOnTheRowsBesideIt) {
  for (auto [in, out] : std::vector<std::pair<int, int>>{
           {128, 256}, {27, 24}, {33, 47}, {96, 10}, {64, 1}, {5, 70}}) {
    const Tensor x = random({64, in}), bias = random({out}), residual = random({64, out}),
                 dy = random({64, out}), dx0 = random({64, in});
    const Tensor weight = random({out, in});
    const PackedMatrix w = backend->pack(weight, true), wt = backend->pack(weight, false);
    const auto forward = [&](int begin, int end) {
      const Tensor y = backend->empty({end - begin, out}),
                   before = backend->empty({end - begin, out});
      backend->linear(y, x.row_range(begin, end), w, bias, Activation::gelu,
                      residual.row_range(begin, end), before);
      return y;
    };
    const auto backward = [&](int begin, int end) {
      const Tensor dx = backend->empty({end - begin, in});
      backend->copy(dx, dx0.row_range(begin, end));
      backend->linear_backward_input(dx, dy.row_range(begin, end), wt);
      return dx;
    };
    const Tensor y = forward(0, 64), dx = backward(0, 64);
    for (int count : {1, 2, 3, 5, 7, 13, 14, 15, 29, 63}) {
      for (int begin : {0, 1, 64 - count}) {
        ASSERT_TRUE(same_bits(forward(begin, begin + count), y.row_range(begin, begin + count)))
            << in << " " << out << " rows " << count;
        ASSERT_TRUE(same_bits(backward(begin, begin + count), dx.row_range(begin, begin + count)))
            << in << " " << out << " rows " << count;
      }
    }
  }
}

#if defined(__FMA__)
TEST_F(Products, EachSumIsOneChainOfFusedMultiplyAddsInAscendingOrder) {
  const int rows = 31, in = 45, out = 37;
  const Tensor x = random({rows, in}), weight = random({out, in}), dy = random({rows, out});
  const std::vector<float> xs = host(x), ws = host(weight), ds = host(dy);
  const Tensor y = backend->empty({rows, out}), dw = backend->zeros({out, in}),
               dx = backend->zeros({rows, in});
  backend->linear(y, x, backend->pack(weight, true), {}, Activation::none, {}, {});
  backend->linear_backward_input(dx, dy, backend->pack(weight, false));
  backend->linear_backward_weight(dw, {}, dy, x);
  const auto chain = [](int depth, const std::function<std::pair<float, float>(int)>& pair) {
    float sum = 0;
    for (int p = 0; p < depth; ++p) sum = std::fma(pair(p).first, pair(p).second, sum);
    return sum;
  };
  const std::vector<float> ys = host(y), dws = host(dw), dxs = host(dx);
  for (int r = 0; r < rows; ++r)
    for (int o = 0; o < out; ++o)
      ASSERT_EQ(ys[r * out + o],
                chain(in, [&](int p) { return std::pair(xs[r * in + p], ws[o * in + p]); }))
          << r << " " << o;
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < in; ++i)
      ASSERT_EQ(dxs[r * in + i],
                chain(out, [&](int p) { return std::pair(ds[r * out + p], ws[p * in + i]); }));
  for (int o = 0; o < out; ++o)
    for (int i = 0; i < in; ++i)
      ASSERT_EQ(dws[o * in + i],
                chain(rows, [&](int p) { return std::pair(ds[p * out + o], xs[p * in + i]); }));
}
#endif

TEST_F(Products, BitsOfAnImageDoNotDependOnTheImagesBesideIt) {
  const int dim = 48, heads = 2;
  const std::vector<int> rows{5, 0, 49, 1, 16, 17, 33};
  const RaggedPtr all = layout_of_rows(rows);
  const Tensor qkv = random({all->rows(), 3 * dim}), x = random({all->rows(), dim}),
               score = random({all->rows(), 1});
  const Tensor gamma = random({dim}), beta = random({dim}),
               modulation = random({all->images(), 2 * dim});
  const Tensor y = backend->empty({all->rows(), dim}),
               weights = backend->empty({Backend::attention_weights_size(*all, heads)});
  const Tensor normed = backend->empty({all->rows(), dim}),
               pooled = backend->empty({all->images(), dim}), share = backend->empty({all->rows()});
  backend->attention(y, weights, qkv, *all, heads, {});
  backend->layer_norm(normed, {}, x, gamma, beta, modulation, all->image);
  backend->pool(pooled, share, x, score, *all);
  for (int image = 0; image < all->images(); ++image) {
    const int begin = all->starts[static_cast<std::size_t>(image)],
              end = all->starts[static_cast<std::size_t>(image) + 1];
    const RaggedPtr one = layout_of_rows({rows[static_cast<std::size_t>(image)]});
    const Tensor alone = backend->empty({end - begin, dim}),
                 pooled_alone = backend->empty({1, dim});
    backend->attention(alone, {}, qkv.row_range(begin, end), *one, heads,
                       {});  // without weights: inference has the bits of training
    EXPECT_TRUE(same_bits(alone, y.row_range(begin, end))) << image;
    backend->layer_norm(alone, {}, x.row_range(begin, end), gamma, beta,
                        modulation.row_range(image, image + 1), one->image);
    EXPECT_TRUE(same_bits(alone, normed.row_range(begin, end))) << image;
    backend->pool(pooled_alone, {}, x.row_range(begin, end), score.row_range(begin, end), *one);
    EXPECT_TRUE(same_bits(pooled_alone, pooled.row_range(image, image + 1))) << image;
  }
}

TEST_F(Products, NaNStaysInItsRow) {
  const Tensor x = random({20, 30}), weight = random({18, 30}), y = backend->empty({20, 18});
  x.data()[7 * 30 + 4] = std::numeric_limits<float>::quiet_NaN();
  for (Activation activation : {Activation::none, Activation::gelu, Activation::relu}) {
    backend->linear(y, x, backend->pack(weight, true), {}, activation, {}, {});
    for (int i = 0; i < 20 * 18; ++i) ASSERT_EQ(std::isnan(y.data()[i]), i / 18 == 7) << i;
  }
  const Tensor p = backend->empty({20, 30});
  backend->softmax(p, x);
  for (int i = 0; i < 20 * 30; ++i) ASSERT_EQ(std::isnan(p.data()[i]), i / 30 == 7) << i;
}

// y[0] of a vector function at x.
template <class Function>
double at(Function f, float x) {
  return static_cast<double>(f(cpu::broadcast(x))[cpu::vector_width - 1]);
}

TEST(VectorFunctions, ExpHoldsItsStatedError) {
  double worst = 0;
  for (float x = -87.3f; x < 88.7f; x += 0.00137f) {
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(at(cpu::exp, x) / exact - 1));
  }
  EXPECT_LT(worst, 2e-7);
  RecordProperty("worst", std::to_string(worst * 1e9));
  EXPECT_EQ(at(cpu::exp, 0.0f), 1.0);
  EXPECT_EQ(at(cpu::exp, -200.0f), 0.0);
  EXPECT_EQ(at(cpu::exp, -INFINITY), 0.0);
  EXPECT_EQ(at(cpu::exp, 100.0f), INFINITY);
  EXPECT_EQ(at(cpu::exp, INFINITY), INFINITY);
  EXPECT_TRUE(std::isnan(at(cpu::exp, NAN)));
}

TEST(VectorFunctions, GeluAndItsDerivativeHoldTheirStatedErrors) {
  const double a = std::sqrt(2 / M_PI);
  double worst = 0, worst_derivative = 0;
  for (float f = -12; f < 12; f += 0.00037f) {
    const double x = static_cast<double>(f), t = std::tanh(a * (x + 0.044715 * x * x * x));
    worst = std::max(worst,
                     std::abs(at(cpu::gelu, f) - 0.5 * x * (1 + t)) / std::max(1.0, std::abs(x)));
    const double exact = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * a * (1 + 3 * 0.044715 * x * x);
    worst_derivative = std::max(worst_derivative, std::abs(at(cpu::gelu_derivative, f) - exact));
  }
  EXPECT_LT(worst, 3e-7);
  EXPECT_LT(worst_derivative, 1e-6) << worst;
  for (float x : {1e4f, 1e20f, 3e38f}) {
    EXPECT_EQ(at(cpu::gelu, x), static_cast<double>(x));
    EXPECT_EQ(at(cpu::gelu, -x), 0.0);
  }
  EXPECT_EQ(at(cpu::gelu_derivative, 1e12f), 1.0);
  EXPECT_EQ(at(cpu::gelu_derivative, -1e12f), 0.0);
  EXPECT_TRUE(std::isnan(at(cpu::gelu, NAN)));
  EXPECT_TRUE(std::isnan(at(cpu::gelu_derivative, NAN)));
}

TEST(VectorFunctions, TransposeTurnsAnySizeAndPadsWithZeros) {
  for (int rows : {1, 7, 16, 19}) {
    for (int columns : {1, 8, 16, 37}) {
      const int stride = static_cast<int>(cpu::round_up(rows));
      std::vector<float> from(static_cast<std::size_t>(rows * columns)),
          to(static_cast<std::size_t>(stride * columns), -1.0f);
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i + 1);
      cpu::transpose(to.data(), stride, from.data(), columns, rows, columns);
      for (int c = 0; c < columns; ++c)
        for (int r = 0; r < stride; ++r)
          ASSERT_EQ(to[static_cast<std::size_t>(c * stride + r)],
                    r < rows ? from[static_cast<std::size_t>(r * columns + c)] : 0.0f);
    }
  }
}

TEST_F(Products, BuffersAreAlignedDistinctAndSurviveTheThreadThatMadeThem) {
  std::vector<Tensor> kept;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<Tensor>> made(3);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          const Tensor x = backend->empty({1 + (i * 37 + t) % 300, 1 + i % 9});
          backend->fill(x, static_cast<float>(100 * t + i));
          made[static_cast<std::size_t>(t)].push_back(x);
          if (i % 3 == 0)
            made[static_cast<std::size_t>(t)].erase(made[static_cast<std::size_t>(t)].begin());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    kept.clear();  // given back by another thread than the ones that made them
    for (auto& of_thread : made) kept.insert(kept.end(), of_thread.begin(), of_thread.end());
    for (const Tensor& x : kept) {
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(x.data()) % 64, 0u);
      for (std::int64_t i = 0; i < x.size(); ++i) ASSERT_EQ(x.data()[i], x.data()[0]);
    }
    for (std::size_t i = 0; i + 1 < kept.size(); ++i) ASSERT_NE(kept[i].data(), kept[i + 1].data());
  }
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_F(Products, ABufferGivenBackIsUsedAgain) {
  const float* first = backend->empty({1000, 10}).data();
  EXPECT_EQ(backend->empty({990, 10}).data(), first);
}
#endif

#if defined(NDEBUG) && defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
// A sanity check, not a benchmark (benchmarks/kernels.cpp is one): a kernel that fell back to
// scalar code would fail it.
TEST_F(Products, LinearIsFarFasterThanPlainLoops) {
  const int rows = 98, in = 128, out = 256;
  const Tensor x = random({rows, in}), weight = random({out, in}), y = backend->empty({rows, out});
  const PackedMatrix w = backend->pack(weight, true);
  const auto best_of = [](const std::function<void()>& body) {
    double best = 1e9;
    for (int i = 0; i < 15; ++i) {
      const auto start = std::chrono::steady_clock::now();
      body();
      best = std::min(
          best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  const double plain = best_of([&] {
    for (int r = 0; r < rows; ++r) {
      for (int o = 0; o < out; ++o) {
        float sum = 0;
        for (int p = 0; p < in; ++p) sum += x.data()[r * in + p] * weight.data()[o * in + p];
        y.data()[r * out + o] = sum;
      }
    }
  });
  const double fast = best_of([&] { backend->linear(y, x, w, {}, Activation::none, {}, {}); });
  EXPECT_GT(plain / fast, cpu::vector_width == 16 ? 15.0 : 4.0)
      << plain << " s against " << fast << " s";
}
#endif

}  // namespace
}  // namespace semwave
