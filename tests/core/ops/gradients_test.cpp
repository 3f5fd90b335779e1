// Every backward of the reference against central differences of its forward, in double.
#include <gtest/gtest.h>

#include <functional>

#include "tests/reference_picture_kernels.h"

namespace {

using namespace reference;
using Values = Array<double>;

constexpr double tolerance = 1e-6;

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (Size i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Fourth-order central differences of `loss` in every element of `x`, against `analytic`. Relative
// to the larger of both, where that is not below a thousandth of the tensor's largest.
void expect_gradient(const char* what, Values& x, const Values& analytic,
                     const std::function<double()>& loss) {
  ASSERT_EQ(x.size(), analytic.size()) << what;
  double largest = 1e-30;
  for (const double value : analytic) largest = std::max(largest, std::abs(value));
  const double step = 1e-3;
  for (Size i = 0; i < x.size(); ++i) {
    const double centre = x[i];
    const auto at = [&](double offset) {
      x[i] = centre + offset;
      return loss();
    };
    const double difference =
        (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    x[i] = centre;
    const double error =
        std::abs(difference - analytic[i]) /
        std::max({std::abs(difference), std::abs(analytic[i]), 1e-3 * largest, 1e-6});
    ASSERT_LT(error, tolerance) << what << " [" << i << "]: " << analytic[i] << " should be "
                                << difference;
  }
}

TEST(ReferenceGradients, LinearWithEveryActivation) {
  for (const Activation activation : {Activation::none, Activation::gelu, Activation::relu})
    for (const Size n : {Size{0}, Size{1}, Size{5}}) {
      Draw draw(11);
      const Size in = 7, out = 4;
      Values x = draw.numbers(n * in), w = draw.numbers(out * in), bias = draw.numbers(out),
             residual = draw.numbers(n * out), before;
      const Values dy = draw.numbers(n * out);
      const auto loss = [&] {
        return dot(dy, linear<double>(x, w, &bias, activation, &residual, n, in, out));
      };
      linear(x, w, &bias, activation, &residual, n, in, out, &before);
      Values dx(n * in), dw(out * in), dbias(out);
      const Values dbefore = activation_backward(dy, before, activation);
      linear_backward_input(dx, dbefore, w, n, in, out);
      linear_backward_weight(&dw, &dbias, dbefore, x, n, in, out);
      expect_gradient("x", x, dx, loss);
      expect_gradient("weight", w, dw, loss);
      expect_gradient("bias", bias, dbias, loss);
      expect_gradient("residual", residual, dy, loss);
    }
}

TEST(ReferenceGradients, LayerNormWithAndWithoutModulation) {
  for (const bool modulated : {false, true}) {
    Draw draw(12);
    const Size dim = 6;
    const Index starts{0, 3, 3, 4, 8}, image = images_of_rows(starts);
    const Size n = image.size();
    Values x = draw.numbers(n * dim, 2), gamma = draw.numbers(dim), beta = draw.numbers(dim),
           modulation = draw.numbers((starts.size() - 1) * 2 * dim);
    const Values dy = draw.numbers(n * dim);
    const Values* used = modulated ? &modulation : nullptr;
    const auto loss = [&] { return dot(dy, layer_norm(x, gamma, beta, used, image, n, dim)); };
    Values dx(x.size()), dgamma(dim), dbeta(dim), dmodulation(modulation.size());
    layer_norm_backward(&dx, &dgamma, &dbeta, modulated ? &dmodulation : nullptr, dy, x, gamma,
                        used, image, n, dim);
    expect_gradient("x", x, dx, loss);
    expect_gradient("gamma", gamma, dgamma, loss);
    expect_gradient("beta", beta, dbeta, loss);
    expect_gradient("modulation", modulation, dmodulation, loss);
  }
}

TEST(ReferenceGradients, RaggedAttention) {
  for (const Index& starts : {Index{0}, Index{0, 0}, Index{0, 1}, Index{0, 4, 4, 5, 8, 8}}) {
    Draw draw(13);
    const Size dim = 6, heads = 2, n = static_cast<Size>(starts.back());
    Values qkv = draw.numbers(n * 3 * dim, 1.5);
    const Values dy = draw.numbers(n * dim);
    Values dqkv(qkv.size());
    attention_backward(dqkv, dy, qkv, starts, dim, heads);
    expect_gradient("qkv", qkv, dqkv, [&] { return dot(dy, attention(qkv, starts, dim, heads)); });

    // With a bias: every other place is taken.
    ScoreBias<double> bias{draw.numbers(heads * 8 * 8), {}, 8};
    for (Size image = 0; image + 1 < starts.size(); ++image)
      for (std::int32_t row = 0; row < starts[image + 1] - starts[image]; ++row)
        bias.positions.push_back(2 * row);
    Values with_bias(qkv.size()), dbias(bias.table.size());
    attention_backward(with_bias, dy, qkv, starts, dim, heads, bias, &dbias);
    const auto loss = [&] { return dot(dy, attention(qkv, starts, dim, heads, bias)); };
    expect_gradient("qkv", qkv, with_bias, loss);
    expect_gradient("bias", bias.table, dbias, loss);
  }
}

TEST(ReferenceGradients, Patches) {
  for (const WindowShape& shape :
       {WindowShape{2, 5, 4, 3, 3, 1, 1}, WindowShape{1, 6, 7, 2, 3, 2, 1},
        WindowShape{1, 4, 4, 1, 2, 2, 0}}) {
    Draw draw(14);
    Values x = draw.numbers(shape.images * shape.height * shape.width * shape.channels);
    const Values dy = draw.numbers(shape.rows() * shape.columns());
    Values dx(x.size());
    patches_backward(dx, dy, shape);
    expect_gradient("x", x, dx, [&] { return dot(dy, patches(x, shape)); });
  }
}

TEST(ReferenceGradients, ChannelsOfPictures) {
  Draw draw(31);
  constexpr Size images = 2, pixels = 5, channels = 3;
  Values x = draw.numbers(images * pixels * channels), scale = draw.numbers(images * channels);
  const Values dy = draw.numbers(x.size());
  for (const Size slopes : {Size{1}, channels}) {
    Values slope = draw.numbers(slopes), dx(x.size()), dslope(slopes);
    for (double& value : x) value += value > 0 ? 0.1 : -0.1;  // away from the corner
    const auto loss = [&] { return dot(dy, prelu(x, slope)); };
    prelu_backward(dx, dslope, dy, x, slope);
    expect_gradient("x of prelu", x, dx, loss);
    expect_gradient("slope", slope, dslope, loss);
  }
  Values dx(x.size());
  sigmoids_backward(dx, dy, x);
  expect_gradient("x of sigmoid", x, dx, [&] { return dot(dy, sigmoids(x)); });
  const auto scaled = [&] { return dot(dy, scale_channels(x, scale, pixels, channels)); };
  Values dscale(scale.size());
  dx.assign(x.size(), 0);
  scale_channels_backward(dx, dscale, dy, x, scale, pixels, channels);
  expect_gradient("x of scale_channels", x, dx, scaled);
  expect_gradient("scale", scale, dscale, scaled);
}

TEST(ReferenceGradients, MaxPool) {
  for (const WindowShape& shape :
       {WindowShape{2, 5, 4, 3, 3, 2, 1}, WindowShape{1, 6, 7, 2, 2, 2, 0}}) {
    Draw draw(15);
    Values x = draw.numbers(shape.images * shape.height * shape.width * shape.channels);
    const Values dy = draw.numbers(shape.rows() * shape.channels);
    std::vector<std::size_t> source;
    (void)max_pool(x, shape, source);
    Values dx(x.size());
    max_pool_backward(dx, dy, source);
    expect_gradient("x", x, dx, [&] { return dot(dy, max_pool(x, shape, source)); });
  }
}

TEST(ReferenceGradients, SequencePooling) {
  for (const Index& starts : {Index{0}, Index{0, 0}, Index{0, 1}, Index{0, 3, 3, 4, 9}}) {
    Draw draw(15);
    const Size dim = 5, n = static_cast<Size>(starts.back());
    Values x = draw.numbers(n * dim), score = draw.numbers(n, 2);
    const Values dy = draw.numbers((starts.size() - 1) * dim);
    const auto loss = [&] { return dot(dy, pool(x, score, starts, dim)); };
    Values dx(x.size()), dscore(n);
    pool_backward(&dx, &dscore, dy, x, score, starts, dim);
    expect_gradient("x", x, dx, loss);
    expect_gradient("score", score, dscore, loss);
  }
}

TEST(ReferenceGradients, GatheredRows) {
  Draw draw(16);
  const Size dim = 3;
  Values x = draw.numbers(5 * dim);
  const Index index{4, -1, 0, 0, 2, -1};
  const Values dy = draw.numbers(index.size() * dim);
  Values dx(x.size());
  scatter_add_rows(dx, dy, index, dim);
  expect_gradient("x", x, dx, [&] { return dot(dy, gather_rows(x, index, dim)); });
}

TEST(ReferenceGradients, StraightThroughIsThatOfTheSoftSelection) {
  Draw draw(17);
  const Size n = 4, dim = 3;
  Values x = draw.numbers(n * dim), score = draw.numbers(n, 3);
  const Values dy = draw.numbers(n * dim);
  Values dscore(n);
  straight_through_backward(dscore, dy, x, score, dim);
  expect_gradient("score", score, dscore, [&] { return dot(dy, soft_selection(x, score, dim)); });
}

TEST(ReferenceGradients, Softmax) {
  Draw draw(18);
  const Size n = 3, columns = 5;
  Values x = draw.numbers(n * columns, 3);
  const Values dy = draw.numbers(n * columns);
  Values dx(x.size());
  softmax_backward(dx, dy, softmax(x, n, columns), n, columns);
  expect_gradient("x", x, dx, [&] { return dot(dy, softmax(x, n, columns)); });
}

TEST(ReferenceGradients, CombineOfOneAndTwoExperts) {
  for (const int k : {1, 2})
    for (const Size n : {Size{0}, Size{1}, Size{4}}) {
      Draw draw(19);
      const Size dim = 3, experts = 4, chosen = static_cast<Size>(k);
      Index expert = draw.experts(n, static_cast<int>(experts), k),
            row = draw.permutation(n * chosen);
      if (k == 2 && n > 1) expert[3] = row[3] = -1;  // the second row has one expert
      Values residual = draw.numbers(n * dim), e = draw.numbers(n * chosen * dim),
             p = draw.numbers(n * experts);
      const Values dy = draw.numbers(n * dim);
      const auto loss = [&] {
        return dot(dy, combine(residual, e, p, expert, row, chosen, experts, dim));
      };
      Values dresidual(residual.size()), de(e.size()), dp(p.size());
      combine_backward(&dresidual, &de, &dp, dy, e, p, expert, row, chosen, experts, dim);
      expect_gradient("residual", residual, dresidual, loss);
      expect_gradient("experts", e, de, loss);
      expect_gradient("probabilities", p, dp, loss);
    }
}

TEST(ReferenceGradients, CrossEntropyWithAndWithoutSmoothing) {
  for (const double smoothing : {0.0, 0.1})
    for (const Size n : {Size{0}, Size{1}, Size{4}}) {
      Draw draw(20);
      const Size classes = 5;
      Values x = draw.numbers(n * classes, 3);
      const Index label = draw.indices(n, 0, static_cast<int>(classes) - 1);
      Values dx(x.size());
      cross_entropy_backward(dx, 0.7, x, label, smoothing, 0.3, classes);
      expect_gradient("x", x, dx,
                      [&] { return 0.7 * cross_entropy(x, label, smoothing, 0.3, classes); });
    }
}

TEST(ReferenceGradients, SquaredErrorWithAndWithoutWeights) {
  for (const bool weighted : {false, true}) {
    Draw draw(21);
    const Size n = 4, dim = 3;
    Values x = draw.numbers(n * dim);
    const Values target = draw.numbers(n * dim), weight = draw.numbers(n);
    const Values* used = weighted ? &weight : nullptr;
    Values dx(x.size());
    squared_error_backward(dx, 0.7, x, target, used, 0.3, dim);
    expect_gradient("x", x, dx, [&] { return 0.7 * squared_error(x, target, used, 0.3, dim); });
  }
}

// Written down by hand for two numbers, since AdamW is no derivative.
TEST(ReferenceGradients, FirstAdamWStepIsTheSignOfTheGradientAndTheDecay) {
  Values value{1.0, -2.0}, first(2), second(2);
  adamw<double>(value, {3.0, -0.5}, first, second,
                {.learning_rate = 0.1,
                 .beta1 = 0.9,
                 .beta2 = 0.999,
                 .epsilon = 0,
                 .weight_decay = 0.2,
                 .step = 1},
                0.5);
  EXPECT_NEAR(value[0], 1.0 - 0.1 * (1 + 0.2 * 1.0), 1e-12);
  EXPECT_NEAR(value[1], -2.0 - 0.1 * (-1 + 0.2 * -2.0), 1e-12);
  EXPECT_NEAR(first[0], 0.1 * 1.5, 1e-12);
  EXPECT_NEAR(second[1], 0.001 * 0.0625, 1e-12);
}

}  // namespace
