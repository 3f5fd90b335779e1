// What CUDA's kernels promise beyond being right: a row's bits do not depend on the rows beside it,
// an image's not on its batch-mates, nothing depends on the order in which a device runs blocks and
// threads, and large heads and images are legal.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "tests/fixtures/ragged.h"
#include "tests/reference_kernels.h"

namespace semwave {
namespace {

class CudaBits : public testing::Test {
 protected:
  Tensor random(Shape shape) {
    std::vector<float> values(static_cast<std::size_t>(shape.size()));
    for (float& value : values)
      value = static_cast<float>(2 * uniform(philox(6, Purpose::data_bits, 0, 0, next_++)[0]) - 1);
    return backend_->from_host(shape, values.data());
  }
  std::vector<float> host(const Tensor& x) {
    std::vector<float> values(static_cast<std::size_t>(x.size()));
    if (!values.empty()) backend_->to_host(x, values.data());
    return values;
  }
  bool same_bits(const Tensor& a, const Tensor& b) {
    const std::vector<float> x = host(a), y = host(b);
    return x.size() == y.size() &&
           (x.empty() || std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0);
  }
  std::vector<double> wide(const Tensor& x) {
    const std::vector<float> values = host(x);
    return {values.begin(), values.end()};
  }
  void expect_close(const Tensor& actual, const std::vector<double>& expected, const char* what) {
    const std::vector<float> values = host(actual);
    ASSERT_EQ(values.size(), expected.size()) << what;
    double scale = 0.05, worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      scale = std::max(scale, std::abs(expected[i]));
      worst = std::max(worst, std::abs(values[i] - expected[i]));
    }
    EXPECT_LT(worst / scale, 1e-5) << what;
  }
  /// Runs `make` sixteen times; the stand-in runs each in another order of blocks and threads.
  void expect_always_the_same(const char* what, const std::function<Tensor()>& make) {
    const Tensor first = make();
    for (int i = 0; i < 15; ++i) EXPECT_TRUE(same_bits(make(), first)) << what;
  }

  std::unique_ptr<Backend> backend_ = make_cuda_backend();
  std::uint32_t next_ = 0;
};

TEST_F(CudaBits, ARowOfAProductIsThatRowAlone) {
  for (auto [in, out] : std::vector<std::pair<int, int>>{
           {128, 256}, {27, 24}, {33, 47}, {96, 10}, {64, 1}, {1, 70}}) {
    const int rows = 200;
    const Tensor x = random({rows, in}), bias = random({out}), residual = random({rows, out}),
                 dy = random({rows, out}), dx0 = random({rows, in});
    const Tensor weight = random({out, in});
    const PackedMatrix w = backend_->pack(weight, true), wt = backend_->pack(weight, false);
    const auto forward = [&](int begin, int end) {
      const Tensor y = backend_->empty({end - begin, out}),
                   before = backend_->empty({end - begin, out});
      backend_->linear(y, x.row_range(begin, end), w, bias, Activation::gelu,
                       residual.row_range(begin, end), before);
      return y;
    };
    const auto backward = [&](int begin, int end) {
      const Tensor dx = backend_->empty({end - begin, in});
      backend_->copy(dx, dx0.row_range(begin, end));
      backend_->linear_backward_input(dx, dy.row_range(begin, end), wt);
      return dx;
    };
    const Tensor y = forward(0, rows), dx = backward(0, rows);
    for (int count : {1, 3, 64, 65, 199})
      for (int begin : {0, 1, rows - count}) {
        ASSERT_TRUE(same_bits(forward(begin, begin + count), y.row_range(begin, begin + count)))
            << in << " " << out << " rows " << count;
        ASSERT_TRUE(same_bits(backward(begin, begin + count), dx.row_range(begin, begin + count)))
            << in << " " << out << " rows " << count;
      }
  }
}

TEST_F(CudaBits, AProductIsOneChainOfFusedMultiplyAddsInAscendingOrder) {
  const int rows = 70, in = 45, out = 67;
  const Tensor x = random({rows, in}), weight = random({out, in}), y = backend_->empty({rows, out});
  backend_->linear(y, x, backend_->pack(weight, true), {}, Activation::none, {}, {});
  const std::vector<float> xs = host(x), ws = host(weight), ys = host(y);
  for (int r = 0; r < rows; ++r)
    for (int o = 0; o < out; ++o) {
      float sum = 0;
      for (int p = 0; p < in; ++p)
        sum = std::fma(xs[static_cast<std::size_t>(r * in + p)],
                       ws[static_cast<std::size_t>(o * in + p)], sum);
      ASSERT_EQ(ys[static_cast<std::size_t>(r * out + o)], sum) << r << " " << o;
    }
}

TEST_F(CudaBits, ARowOfALayerNormIsThatRowAlone) {
  const int rows = 37, dim = 100;
  const Tensor x = random({rows, dim}), gamma = random({dim}), beta = random({dim}),
               modulation = random({3, 2 * dim}), dy = random({rows, dim});
  std::vector<std::int32_t> image;
  for (int r = 0; r < rows; ++r) image.push_back(r / 13);
  const auto forward = [&](int begin, int end, const Tensor& moments) {
    const Tensor y = backend_->empty({end - begin, dim});
    backend_->layer_norm(y, moments, x.row_range(begin, end), gamma, beta, modulation,
                         std::span<const std::int32_t>(image).subspan(begin, end - begin));
    return y;
  };
  const auto backward = [&](int begin, int end, const Tensor& moments) {
    const Tensor dx = backend_->zeros({end - begin, dim});
    backend_->layer_norm_backward(dx, {}, {}, {}, dy.row_range(begin, end), x.row_range(begin, end),
                                  moments, gamma, modulation,
                                  std::span<const std::int32_t>(image).subspan(begin, end - begin));
    return dx;
  };
  const Tensor moments = backend_->empty({rows, 2}), y = forward(0, rows, moments),
               dx = backward(0, rows, moments);
  for (int row = 0; row < rows; ++row) {
    const Tensor alone = backend_->empty({1, 2});
    ASSERT_TRUE(same_bits(forward(row, row + 1, alone), y.row_range(row, row + 1)));
    ASSERT_TRUE(same_bits(backward(row, row + 1, alone), dx.row_range(row, row + 1)));
  }
}

TEST_F(CudaBits, AnImageOfAttentionAndOfPoolingIsThatImageAlone) {
  const std::vector<int> counts{33, 0, 1, 70, 32};
  const int heads = 2, dim = 48;
  const RaggedPtr all = layout_of_rows(counts);
  const Tensor qkv = random({all->rows(), 3 * dim}), dy = random({all->rows(), dim}),
               score = random({all->rows(), 1});
  const auto run = [&](const RaggedPtr& layout, int begin, int end) {
    const Tensor y = backend_->empty({end - begin, dim}),
                 weights = backend_->empty({Backend::attention_weights_size(*layout, heads)}),
                 dqkv = backend_->zeros({end - begin, 3 * dim});
    backend_->attention(y, weights, qkv.row_range(begin, end), *layout, heads, {});
    backend_->attention_backward(dqkv, {}, dy.row_range(begin, end), weights,
                                 qkv.row_range(begin, end), *layout, heads);
    const Tensor pooled = backend_->empty({layout->images(), dim});
    backend_->pool(pooled, {}, dy.row_range(begin, end), score.row_range(begin, end), *layout);
    return std::vector<Tensor>{y, dqkv, pooled};
  };
  const std::vector<Tensor> together = run(all, 0, all->rows());
  for (int image = 0; image < all->images(); ++image) {
    const int begin = all->starts[static_cast<std::size_t>(image)],
              end = begin + all->rows_of(image);
    const std::vector<Tensor> alone = run(layout_of_rows({all->rows_of(image)}), begin, end);
    EXPECT_TRUE(same_bits(alone[0], together[0].row_range(begin, end)))
        << "attention of image " << image;
    EXPECT_TRUE(same_bits(alone[1], together[1].row_range(begin, end))) << "its derivative";
    EXPECT_TRUE(same_bits(alone[2], together[2].row_range(image, image + 1))) << "pooling";
  }
}

TEST_F(CudaBits, LargeHeadsAndImagesAgreeWithTheReference) {
  struct Case {
    std::vector<int> rows;
    int heads, size;
  };
  for (const Case& c : {Case{{230, 1}, 1, 37}, Case{{40, 0, 33}, 2, 65}, Case{{35}, 1, 128},
                        Case{{34, 5}, 2, 130}, Case{{33}, 1, 300}}) {
    const RaggedPtr layout = layout_of_rows(c.rows);
    const reference::Index starts(layout->starts.begin(), layout->starts.end());
    const std::int64_t dim = c.heads * c.size, n = layout->rows();
    const auto Dim = static_cast<std::size_t>(dim), Heads = static_cast<std::size_t>(c.heads);
    const Tensor qkv = random({n, 3 * dim}), dy = random({n, dim}), y = backend_->empty({n, dim}),
                 dqkv = random({n, 3 * dim});
    const Tensor weights = backend_->empty({Backend::attention_weights_size(*layout, c.heads)});
    std::vector<double> expected = wide(dqkv);
    reference::attention_backward(expected, wide(dy), wide(qkv), starts, Dim, Heads);
    backend_->attention(y, weights, qkv, *layout, c.heads, {});
    expect_close(y, reference::attention(wide(qkv), starts, Dim, Heads), "y");
    backend_->attention_backward(dqkv, {}, dy, weights, qkv, *layout, c.heads);
    expect_close(dqkv, expected, "dqkv");
  }
}

TEST_F(CudaBits, SumsOverManyRowsAgreeWithTheReference) {
  // More rows than one part of a sum holds.
  const std::size_t n = 1100, in = 5, out = 7;
  const Tensor x = random({1100, 5}), dy = random({1100, 7}), dw = random({7, 5}),
               dbias = random({7});
  std::vector<double> expected_dw = wide(dw), expected_dbias = wide(dbias);
  reference::linear_backward_weight(&expected_dw, &expected_dbias, wide(dy), wide(x), n, in, out);
  backend_->linear_backward_weight(dw, dbias, dy, x);
  expect_close(dw, expected_dw, "dw");
  expect_close(dbias, expected_dbias, "dbias");

  const Tensor gamma = random({5}), beta = random({5}), y = backend_->empty({1100, 5}),
               moments = backend_->empty({1100, 2}), d = random({1100, 5});
  const Tensor dgamma = random({5}), dbeta = random({5});
  std::vector<double> expected_dgamma = wide(dgamma), expected_dbeta = wide(dbeta);
  backend_->layer_norm(y, moments, x, gamma, beta, {}, {});
  backend_->layer_norm_backward({}, dgamma, dbeta, {}, d, x, moments, gamma, {}, {});
  reference::layer_norm_backward<double>(nullptr, &expected_dgamma, &expected_dbeta, nullptr,
                                         wide(d), wide(x), wide(gamma), nullptr, {}, n, in);
  expect_close(dgamma, expected_dgamma, "dgamma");
  expect_close(dbeta, expected_dbeta, "dbeta");
}

TEST_F(CudaBits, RowsOfAnImageNeedNotBeNeighbours) {
  const std::vector<std::int32_t> image{2, 0, 2, 2, 0, 0, 2};
  const Tensor x = random({7, 6}), dy = random({7, 6}), gamma = random({6}),
               modulation = random({3, 12}), moments = backend_->empty({7, 2});
  const Tensor y = backend_->empty({7, 6}), dmodulation = random({3, 12});
  std::vector<double> expected = wide(dmodulation);
  const std::vector<double> shifts = wide(modulation);
  backend_->layer_norm(y, moments, x, gamma, gamma, modulation, image);
  backend_->layer_norm_backward({}, {}, {}, dmodulation, dy, x, moments, gamma, modulation, image);
  reference::layer_norm_backward<double>(nullptr, nullptr, nullptr, &expected, wide(dy), wide(x),
                                         wide(gamma), &shifts, image, 7, 6);
  expect_close(y, reference::layer_norm(wide(x), wide(gamma), wide(gamma), &shifts, image, 7, 6),
               "y");
  expect_close(dmodulation, expected, "dmodulation");
}

TEST_F(CudaBits, OfEqualValuesTheFirstIsTheLargestAndNoneHidesANaN) {
  std::vector<float> values(9, 1.0f);
  const Tensor y = backend_->empty({1, 1, 1, 1});
  PooledVector<std::int32_t> source;
  backend_->max_pool(y, source, backend_->from_host({1, 3, 3, 1}, values.data()),
                     Window{.kernel = 3});
  EXPECT_EQ(source[0], 0);
  values[4] = NAN;
  backend_->max_pool(y, source, backend_->from_host({1, 3, 3, 1}, values.data()),
                     Window{.kernel = 3});
  EXPECT_TRUE(std::isnan(host(y)[0]));
}

TEST_F(CudaBits, NoSumDependsOnTheOrderOfBlocksAndThreads) {
  const int rows = 700, dim = 33, classes = 12;
  const Tensor x = random({rows, dim}), dy = random({rows, dim}), gamma = random({dim}),
               logits = random({rows, classes});
  std::vector<std::int32_t> image, index, label;
  for (int r = 0; r < rows; ++r) {
    image.push_back(r / 70);
    index.push_back(r % 9 - 1);
    label.push_back(r % classes);
  }
  expect_always_the_same("dw", [&] {
    const Tensor dw = backend_->zeros({dim, dim});
    backend_->linear_backward_weight(dw, {}, dy, x);
    return dw;
  });
  expect_always_the_same("dbias", [&] {
    const Tensor dbias = backend_->zeros({dim});
    backend_->linear_backward_weight({}, dbias, dy, x);
    return dbias;
  });
  for (const bool of_modulation : {false, true})
    expect_always_the_same("parameters of layer norm", [&] {
      const Tensor y = backend_->empty({rows, dim}), moments = backend_->empty({rows, 2}),
                   dgamma = backend_->zeros({dim}), dmodulation = backend_->zeros({10, 2 * dim});
      backend_->layer_norm(y, moments, x, gamma, gamma, dmodulation, image);
      backend_->layer_norm_backward({}, dgamma, {}, dmodulation, dy, x, moments, gamma, dmodulation,
                                    image);
      return of_modulation ? dmodulation : dgamma;
    });
  expect_always_the_same("scattered rows", [&] {
    const Tensor dx = backend_->zeros({8, dim});
    backend_->scatter_add_rows(dx, dy, index);
    return dx;
  });
  expect_always_the_same("losses", [&] {
    const Tensor loss = backend_->zeros({1});
    backend_->cross_entropy(loss, {}, logits, label, 0.1f, 1.0f);
    backend_->squared_error(loss, x, dy, {}, 1.0f);
    return loss;
  });
}

TEST_F(CudaBits, DerivativesThatAreNotWantedAreNotComputed) {
  const RaggedPtr layout = layout_of_rows({3, 2});
  const Tensor x = random({5, 4}), dy = random({5, 4}), weights = random({26}),
               three = random({5, 12}), one = random({5, 1}), pooled = random({2, 4});
  const std::vector<std::int32_t> index{0, 1, 2, 3, 4};
  const Tensor moments = random({5, 2}), gamma = random({4}), images = random({1, 5, 1, 4});
  backend_->linear_backward_input({}, dy, backend_->pack(random({4, 4}), false));
  backend_->linear_backward_weight({}, {}, dy, x);
  backend_->layer_norm_backward({}, {}, {}, {}, dy, x, moments, gamma, {}, {});
  backend_->attention_backward({}, {}, dy, weights, three, *layout, 2);
  backend_->pool_backward({}, {}, pooled, x, one.reshape({5}), *layout);
  backend_->patches_backward({}, x, {});
  backend_->max_pool_backward({}, images, index);
  backend_->scatter_add_rows({}, dy, index);
  backend_->add_columns({}, dy, 0);
  backend_->add_scaled({}, dy, 1);
  backend_->straight_through_backward({}, dy, x, one);
  backend_->softmax_backward({}, dy, x);
  backend_->combine_backward({}, {}, {}, dy, x, one, std::vector<std::int32_t>(5, 0), index, 1);
  backend_->cross_entropy_backward({}, random({1}), x, std::vector<std::int32_t>(5, 0), 0, 1);
  backend_->squared_error_backward({}, random({1}), x, dy, {}, 1);
  const std::vector<float> values = host(x);
  for (const float value : values) EXPECT_TRUE(std::abs(value) <= 1) << "x is as it was";
}

}  // namespace
}  // namespace semwave
