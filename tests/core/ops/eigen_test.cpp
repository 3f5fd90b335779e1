// Products, attention and convolutions against Eigen, which shares no line with this project: its
// words for them, in double precision.
#define EIGEN_DONT_VECTORIZE  // plain loops: its AVX-512 makes GCC 12 warn
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <memory>
#include <unsupported/Eigen/CXX11/Tensor>
#include <vector>

#include "core/random/random.h"
#include "core/tensor/backend.h"
#include "tests/fixtures/ragged.h"

namespace semwave {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

class AgainstEigen : public ::testing::Test {
 protected:
  /// Whole multiples of 1/256 in +-1: exact as float.
  Matrix random(Eigen::Index rows, Eigen::Index columns) {
    return Matrix::NullaryExpr(rows, columns, [&] {
      return (philox(17, Purpose::data_bits, 0, 0, next_++)[0] % 513) / 256.0 - 1;
    });
  }
  Tensor tensor(const Matrix& x, Shape shape) const {
    const std::vector<float> values(x.data(), x.data() + x.size());
    return backend->from_host(shape, values.data());
  }
  Tensor tensor(const Matrix& x) const {
    return tensor(x, {static_cast<std::int64_t>(x.rows()), static_cast<std::int64_t>(x.cols())});
  }
  Matrix matrix(const Tensor& x) const {
    std::vector<float> values(static_cast<std::size_t>(x.size()));
    backend->to_host(x, values.data());
    return Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
               values.data(), x.shape()[0], x.shape()[1])
        .cast<double>();
  }
  static void expect_close(const Matrix& actual, const Matrix& expected, double terms) {
    ASSERT_EQ(actual.rows(), expected.rows());
    ASSERT_EQ(actual.cols(), expected.cols());
    EXPECT_LT((actual - expected).cwiseAbs().maxCoeff(), 1e-6 * std::sqrt(terms));
  }

  std::unique_ptr<Backend> backend = make_cpu_backend();
  std::uint32_t next_ = 0;
};

TEST_F(AgainstEigen, ProductsAndTheirDerivatives) {
  for (const auto& [n, in, out] :
       {std::array{1, 1, 1}, {7, 27, 24}, {49, 128, 256}, {64, 33, 47}, {3, 5, 70}}) {
    const Matrix x = random(n, in), w = random(out, in), bias = random(1, out), dy = random(n, out);
    const Tensor y = backend->empty({n, out}), dx = backend->empty({n, in}),
                 dw = backend->empty({out, in}), dbias = backend->empty({1, out});
    for (const Tensor& sum : {dx, dw, dbias}) backend->fill(sum, 0);

    backend->linear(y, tensor(x), backend->pack(tensor(w), true), tensor(bias, {out}),
                    Activation::none, {}, {});
    expect_close(matrix(y), (x * w.transpose()).rowwise() + Eigen::RowVectorXd(bias.row(0)), in);
    backend->linear_backward_input(dx, tensor(dy), backend->pack(tensor(w), false));
    expect_close(matrix(dx), dy * w, out);
    backend->linear_backward_weight(dw, dbias, tensor(dy), tensor(x));
    expect_close(matrix(dw), dy.transpose() * x, n);
    expect_close(matrix(dbias), dy.colwise().sum(), n);
  }
}

TEST_F(AgainstEigen, AttentionWithinEachImage) {
  constexpr int heads = 3, width = 8, dim = heads * width;
  const auto layout = layout_of_rows({5, 0, 1, 17});
  const std::int64_t rows = layout->rows();
  const Matrix qkv = random(rows, 3 * dim);
  const Tensor y = backend->empty({rows, dim});
  backend->attention(y, {}, tensor(qkv), *layout, heads, {});

  Matrix expected(rows, dim);
  for (int image = 0; image < layout->images(); ++image) {
    const Eigen::Index first = layout->starts[static_cast<std::size_t>(image)],
                       count = layout->starts[static_cast<std::size_t>(image) + 1] - first;
    for (int h = 0; h < heads && count > 0; ++h) {
      const auto part = [&](int which) -> Matrix {
        return qkv.block(first, which * dim + h * width, count, width);
      };
      Matrix weights =
          (part(0) * part(1).transpose() / std::sqrt(double{width})).array().exp().matrix();
      weights.array().colwise() /= weights.rowwise().sum().array().eval();
      expected.block(first, h * width, count, width) = weights * part(2);
    }
  }
  expect_close(matrix(y), expected, 17);
}

TEST_F(AgainstEigen, ConvolutionsByWindowsAndProducts) {
  constexpr int height = 9, width = 7;
  for (const auto& [channels, out, kernel, stride, padding] :
       {std::array{1, 4, 3, 1, 1}, {3, 8, 3, 2, 1}, {2, 5, 4, 4, 0}, {3, 6, 5, 1, 2}}) {
    const Window window{kernel, stride, padding};
    const int down = window.out(height), across = window.out(width);
    const Matrix image = random(height * width, channels),
                 weight = random(out, channels * kernel * kernel);
    const Tensor windows = backend->empty({down * across, channels * kernel * kernel}),
                 y = backend->empty({down * across, out});
    backend->patches(windows, tensor(image, {1, height, width, channels}), window);
    backend->linear(y, windows, backend->pack(tensor(weight), true), {}, Activation::none, {}, {});

    using Cube = Eigen::Tensor<double, 3, Eigen::RowMajor>;
    const Eigen::TensorMap<const Cube> pixels(image.data(), height, width, channels);
    const Cube planes = pixels.shuffle(Eigen::array<int, 3>{2, 0, 1});  // [channels, height, width]
    const Cube padded = planes.pad(Eigen::array<std::pair<int, int>, 3>{
        std::pair{0, 0}, {padding, padding}, {padding, padding}});
    Matrix expected(down * across, out);
    for (int o = 0; o < out; ++o) {
      const Eigen::TensorMap<const Cube> filter(weight.row(o).data(), channels, kernel, kernel);
      const Cube all = padded.convolve(filter, Eigen::array<int, 3>{0, 1, 2});
      const Cube taken = all.stride(Eigen::array<int, 3>{1, stride, stride});
      ASSERT_EQ(taken.size(), down * across);
      expected.col(o) = Eigen::Map<const Eigen::VectorXd>(taken.data(), taken.size());
    }
    expect_close(matrix(y), expected, channels * kernel * kernel);
  }
}

}  // namespace
}  // namespace semwave
