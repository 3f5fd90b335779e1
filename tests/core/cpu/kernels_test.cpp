// Every float kernel of every backend against the double-precision reference, on random ragged
// shapes: odd sizes, one row, none, images without rows. Backward kernels start from numbers that
// are not zero, since they accumulate.
#include "tests/core/cpu/kernel_test.h"

namespace semwave {
namespace {

class Kernels : public KernelTest {};

TEST_P(Kernels, Linear) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 70), in = static_cast<Size>(draw.integer(1, 130)),
               out = static_cast<Size>(draw.integer(1, 150));
    const auto activation = static_cast<std::uint8_t>(shape % 3);
    const bool has_bias = draw.coin(), has_residual = draw.coin(), keeps = draw.coin();
    const Values x = draw.numbers(n * in), w = draw.numbers(out * in, 0.3),
                 bias = draw.numbers(out), residual = draw.numbers(n * out);
    Values before;
    const Values y = reference::linear(x, w, has_bias ? &bias : nullptr,
                                       static_cast<reference::Activation>(activation),
                                       has_residual ? &residual : nullptr, n, in, out, &before);
    const Tensor weight = tensor({extent(out), extent(in)}, w),
                 input = tensor({extent(n), extent(in)}, x);
    const PackedMatrix panels = backend_->pack(weight, true);
    ASSERT_EQ(panels.depth, extent(in));
    ASSERT_EQ(panels.columns, extent(out));
    const Tensor actual = backend_->empty({extent(n), extent(out)}),
                 actual_before = keeps ? backend_->empty({extent(n), extent(out)}) : Tensor{};
    backend_->linear(actual, input, panels, has_bias ? tensor({extent(out)}, bias) : Tensor{},
                     static_cast<Activation>(activation),
                     has_residual ? tensor({extent(n), extent(out)}, residual) : Tensor{},
                     actual_before);
    expect_close("y", actual, y);
    if (keeps) expect_close("before", actual_before, before);
  });
}

TEST_P(Kernels, LinearOnAPartOfALargerTensor) {
  Draw draw(5);
  const Size n = 9, in = 19, out = 21;
  const Values x = draw.numbers(n * in), w = draw.numbers(out * in),
               part(x.begin() + 2 * in, x.begin() + 7 * in);
  const Tensor y = backend_->zeros({9, 21});
  backend_->linear(y.row_range(1, 6), tensor({9, 19}, x).row_range(2, 7),
                   backend_->pack(tensor({21, 19}, w), true), {}, Activation::none, {}, {});
  const Values expected =
      reference::linear<double>(part, w, nullptr, reference::Activation::none, nullptr, 5, in, out);
  expect_close("part", y.row_range(1, 6), expected);
  expect_close("row before", y.row_range(0, 1), Values(out));
  expect_close("rows after", y.row_range(6, 9), Values(3 * out));
}

TEST_P(Kernels, LinearBackward) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 70), in = static_cast<Size>(draw.integer(1, 130)),
               out = static_cast<Size>(draw.integer(1, 150));
    const Values x = draw.numbers(n * in), w = draw.numbers(out * in, 0.3),
                 dy = draw.numbers(n * out);
    Values dx = draw.numbers(n * in), dw = draw.numbers(out * in), dbias = draw.numbers(out);
    const Tensor actual_dx = tensor({extent(n), extent(in)}, dx),
                 actual_dw = tensor({extent(out), extent(in)}, dw),
                 actual_dbias = tensor({extent(out)}, dbias);
    const Tensor gradient = tensor({extent(n), extent(out)}, dy),
                 input = tensor({extent(n), extent(in)}, x);
    backend_->linear_backward_input(actual_dx, gradient,
                                    backend_->pack(tensor({extent(out), extent(in)}, w), false));
    const bool wants_weight = shape != 5, wants_bias = shape != 6;
    backend_->linear_backward_weight(wants_weight ? actual_dw : Tensor{},
                                     wants_bias ? actual_dbias : Tensor{}, gradient, input);
    reference::linear_backward_input(dx, dy, w, n, in, out);
    reference::linear_backward_weight(wants_weight ? &dw : nullptr, wants_bias ? &dbias : nullptr,
                                      dy, x, n, in, out);
    expect_close("dx", actual_dx, dx);
    expect_close("dweight", actual_dw, dw);
    expect_close("dbias", actual_dbias, dbias);
  });
}

TEST_P(Kernels, ActivationBackwardAlsoInPlace) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 20), out = static_cast<Size>(draw.integer(1, 70));
    const auto kind = static_cast<std::uint8_t>(shape % 3);
    const Values before = draw.numbers(n * out, 6), dy = draw.numbers(n * out);
    const Values dx =
        reference::activation_backward(dy, before, static_cast<reference::Activation>(kind));
    const Shape size{extent(n), extent(out)};
    const Tensor gradient = tensor(size, dy), actual = tensor(size, before);
    backend_->activation_backward(actual, gradient, tensor(size, before),
                                  static_cast<Activation>(kind));
    expect_close("dx", actual, dx);
    backend_->activation_backward(gradient, gradient, tensor(size, before),
                                  static_cast<Activation>(kind));
    expect_close("dx in place", gradient, dx);
  });
}

TEST_P(Kernels, LayerNorm) {
  for_each_shape([&](Draw& draw, int shape) {
    const Index starts = draw.starts(draw.integer(0, 6), 20),
                image = reference::images_of_rows(starts);
    const Size n = image.size(), images = starts.size() - 1,
               dim = static_cast<Size>(draw.integer(2, 140));
    const bool modulated = shape % 2 == 1;
    const Values x = draw.numbers(n * dim, 3), gamma = draw.numbers(dim), beta = draw.numbers(dim),
                 modulation = draw.numbers(images * 2 * dim), dy = draw.numbers(n * dim);
    const Shape size{extent(n), extent(dim)}, vector{extent(dim)},
        each{extent(images), extent(2 * dim)};
    const Tensor y = backend_->empty(size), mean_rstd = backend_->empty({extent(n), 2}),
                 input = tensor(size, x), scale = tensor(vector, gamma);
    const Tensor shifts = modulated ? tensor(each, modulation) : Tensor{};
    const Index used = modulated ? image : Index{};
    backend_->layer_norm(y, mean_rstd, input, scale, tensor(vector, beta), shifts, used);
    expect_close(
        "y", y,
        reference::layer_norm(x, gamma, beta, modulated ? &modulation : nullptr, image, n, dim));
    const Tensor inferred = backend_->empty(size);
    backend_->layer_norm(inferred, {}, input, scale, tensor(vector, beta), shifts, used);
    EXPECT_EQ(values_of(inferred), values_of(y)) << "keeping the moments changes the result";

    Values dx = draw.numbers(n * dim), dgamma = draw.numbers(dim), dbeta = draw.numbers(dim),
           dmodulation = draw.numbers(images * 2 * dim);
    const Tensor actual_dx = tensor(size, dx), actual_dgamma = tensor(vector, dgamma),
                 actual_dbeta = tensor(vector, dbeta),
                 actual_dmodulation = tensor(each, dmodulation);
    const bool wants_x = shape != 8, wants_parameters = shape != 9,
               wants_modulation = modulated && shape != 11;
    backend_->layer_norm_backward(wants_x ? actual_dx : Tensor{},
                                  wants_parameters ? actual_dgamma : Tensor{},
                                  wants_parameters ? actual_dbeta : Tensor{},
                                  wants_modulation ? actual_dmodulation : Tensor{},
                                  tensor(size, dy), input, mean_rstd, scale, shifts, used);
    reference::layer_norm_backward(wants_x ? &dx : nullptr, wants_parameters ? &dgamma : nullptr,
                                   wants_parameters ? &dbeta : nullptr,
                                   wants_modulation ? &dmodulation : nullptr, dy, x, gamma,
                                   modulated ? &modulation : nullptr, image, n, dim);
    expect_close("dx", actual_dx, dx);
    expect_close("dgamma", actual_dgamma, dgamma);
    expect_close("dbeta", actual_dbeta, dbeta);
    expect_close("dmodulation", actual_dmodulation, dmodulation);
  });
}

/// The rows of each image at some of `places` places; every place, in order, where `full`.
RaggedPtr placed(Draw& draw, const Index& starts, int places, bool full) {
  const auto layout = std::make_shared<Ragged>();
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    int left = static_cast<int>(starts[i + 1] - starts[i]);
    for (int place = 0; left > 0; ++place)
      if (full || left == places - place || draw.integer(0, 1) == 1) {
        layout->append(place);
        --left;
      }
    layout->end_image();
  }
  return layout;
}

TEST_P(Kernels, RaggedAttention) {
  for_each_shape([&](Draw& draw, int shape) {
    const int head_sizes[] = {1, 3, 8, 13, 16, 24, 32, 40};
    const Size heads = static_cast<Size>(draw.integer(1, 4)),
               dim = heads * static_cast<Size>(head_sizes[shape % 8]);
    const Index starts =
        shape == 0 ? Index{0} : draw.starts(draw.integer(1, 6), shape == 19 ? 80 : 30);
    const Size n = static_cast<Size>(starts.back());
    const Values qkv = draw.numbers(n * 3 * dim, 1.5), dy = draw.numbers(n * dim);
    const Tensor input = tensor({extent(n), extent(3 * dim)}, qkv),
                 y = backend_->empty({extent(n), extent(dim)});
    std::int64_t squares = 0, most = 0;
    for (Size i = 0; i + 1 < starts.size(); ++i) {
      most = std::max(most, std::int64_t{starts[i + 1] - starts[i]});
      squares += std::int64_t{starts[i + 1] - starts[i]} * (starts[i + 1] - starts[i]);
    }
    // A third of the shapes without a bias; of the others each second one with neighbours only.
    reference::ScoreBias<double> bias;
    const int places = static_cast<int>(most) + draw.integer(0, 9);
    const RaggedPtr layout = placed(draw, starts, places, shape % 2 == 0);
    Tensor table, dtable;
    if (shape % 3 != 0) {
      bias = {draw.numbers(heads * static_cast<Size>(places) * static_cast<Size>(places), 2),
              Index(layout->positions.begin(), layout->positions.end()), static_cast<Size>(places)};
      table = tensor({extent(heads), places, places}, bias.table);
    }
    const std::int64_t kept = Backend::attention_weights_size(*layout, static_cast<int>(heads));
    ASSERT_EQ(kept, squares * extent(heads));
    const Tensor weights = backend_->empty({kept});
    backend_->attention(y, weights, input, *layout, static_cast<int>(heads), table);
    expect_close("y", y, reference::attention(qkv, starts, dim, heads, bias));
    Values expected_weights;
    for (Size i = 0; i + 1 < starts.size(); ++i)
      for (Size head = 0; head < heads; ++head) {
        const Values part = reference::attention_weights(
            qkv, static_cast<Size>(starts[i]), static_cast<Size>(starts[i + 1] - starts[i]), dim,
            heads, head, bias);
        expected_weights.insert(expected_weights.end(), part.begin(), part.end());
      }
    expect_close("weights", weights, expected_weights);
    const Tensor received = backend_->empty({extent(n), 1});
    backend_->received_attention(received, weights, *layout, static_cast<int>(heads));
    Values expected_received(n);
    Size at = 0;
    for (Size i = 0; i + 1 < starts.size(); ++i) {
      const auto first = static_cast<Size>(starts[i]),
                 rows = static_cast<Size>(starts[i + 1]) - first;
      for (Size query = 0; query < heads * rows; ++query)
        for (Size key = 0; key < rows; ++key)
          expected_received[first + key] +=
              expected_weights[at++] / static_cast<double>(heads * rows);
    }
    expect_close("received", received, expected_received);
    const Tensor inferred = backend_->empty({extent(n), extent(dim)});
    backend_->attention(inferred, {}, input, *layout, static_cast<int>(heads), table);
    EXPECT_EQ(values_of(inferred), values_of(y)) << "keeping the weights changes the result";

    Values dqkv = draw.numbers(n * 3 * dim);
    const Tensor actual = tensor({extent(n), extent(3 * dim)}, dqkv);
    Values dbias;
    if (table.defined()) {
      dbias = draw.numbers(bias.table.size());
      dtable = tensor(table.shape(), dbias);
    }
    backend_->attention_backward(actual, dtable, tensor({extent(n), extent(dim)}, dy), weights,
                                 input, *layout, static_cast<int>(heads));
    reference::attention_backward(dqkv, dy, qkv, starts, dim, heads, bias,
                                  table.defined() ? &dbias : nullptr);
    expect_close("dqkv", actual, dqkv);
    if (table.defined()) expect_close("dbias", dtable, dbias);
  });
}

TEST_P(Kernels, SequencePooling) {
  for_each_shape([&](Draw& draw, int shape) {
    const Index starts = shape == 0 ? Index{0} : draw.starts(draw.integer(1, 7), 40);
    const RaggedPtr layout = layout_of(starts);
    const Size n = static_cast<Size>(starts.back()), images = starts.size() - 1,
               dim = static_cast<Size>(draw.integer(1, 140));
    const Values x = draw.numbers(n * dim), score = draw.numbers(n, 4),
                 dy = draw.numbers(images * dim);
    const Tensor input = tensor({extent(n), extent(dim)}, x),
                 y = backend_->empty({extent(images), extent(dim)}),
                 weights = backend_->empty({extent(n)});
    backend_->pool(y, weights, input, tensor({extent(n), 1}, score), *layout);
    expect_close("y", y, reference::pool(x, score, starts, dim));
    expect_close("weights", weights, reference::pool_weights(score, starts));
    Values dx = draw.numbers(n * dim), dscore = draw.numbers(n);
    const Tensor actual_dx = tensor({extent(n), extent(dim)}, dx),
                 actual_dscore = tensor({extent(n), 1}, dscore);
    const bool wants_x = shape != 3, wants_score = shape != 4;
    backend_->pool_backward(wants_x ? actual_dx : Tensor{}, wants_score ? actual_dscore : Tensor{},
                            tensor({extent(images), extent(dim)}, dy), input, weights, *layout);
    reference::pool_backward(wants_x ? &dx : nullptr, wants_score ? &dscore : nullptr, dy, x, score,
                             starts, dim);
    expect_close("dx", actual_dx, dx);
    expect_close("dscore", actual_dscore, dscore);
  });
}

TEST_P(Kernels, GatherAndScatterRows) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = static_cast<Size>(draw.integer(1, 30)), m = rows(draw, shape, 50),
               dim = static_cast<Size>(draw.integer(1, 140));
    const Index index = draw.indices(m, -1, static_cast<int>(n) - 1);
    const Values x = draw.numbers(n * dim), dy = draw.numbers(m * dim);
    const Tensor y = backend_->empty({extent(m), extent(dim)});
    backend_->gather_rows(y, tensor({extent(n), extent(dim)}, x), index);
    EXPECT_EQ(values_of(y), reference::gather_rows(x, index, dim));
    Values dx = draw.numbers(n * dim);
    const Tensor actual = tensor({extent(n), extent(dim)}, dx);
    backend_->scatter_add_rows(actual, tensor({extent(m), extent(dim)}, dy), index);
    reference::scatter_add_rows(dx, dy, index, dim);
    expect_close("dx", actual, dx);
  });
}

TEST_P(Kernels, ColumnsAndScaledSums) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 30), dim = static_cast<Size>(draw.integer(1, 70)),
               before = static_cast<Size>(draw.integer(0, 20)),
               after = static_cast<Size>(draw.integer(0, 20));
    const Size wide = before + dim + after;
    const Values x = draw.numbers(n * dim);
    Values y = draw.numbers(n * wide), dx = draw.numbers(n * dim);
    const Tensor actual = tensor({extent(n), extent(wide)}, y),
                 narrow = tensor({extent(n), extent(dim)}, x),
                 actual_dx = tensor({extent(n), extent(dim)}, dx);
    for (Size i = 0; i < n * dim; ++i) dx[i] += y[i / dim * wide + before + i % dim];
    backend_->add_columns(actual_dx, actual, extent(before));
    expect_close("added", actual_dx, dx);
    for (Size i = 0; i < n * dim; ++i) y[i / dim * wide + before + i % dim] = x[i];
    backend_->set_columns(actual, narrow, extent(before));
    EXPECT_EQ(values_of(actual), y);

    Values sum = draw.numbers(n * dim);
    const Tensor actual_sum = tensor({extent(n), extent(dim)}, sum);
    backend_->add_scaled(actual_sum, narrow, -0.37f);
    for (Size i = 0; i < n * dim; ++i) sum[i] += static_cast<double>(-0.37f) * x[i];
    expect_close("scaled sum", actual_sum, sum);
  });
}

TEST_P(Kernels, StraightThroughBackward) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 40), dim = static_cast<Size>(draw.integer(1, 140));
    const Values x = draw.numbers(n * dim), dy = draw.numbers(n * dim), score = draw.numbers(n, 8);
    Values dscore = draw.numbers(n);
    const Tensor actual = tensor({extent(n), 1}, dscore);
    backend_->straight_through_backward(actual, tensor({extent(n), extent(dim)}, dy),
                                        tensor({extent(n), extent(dim)}, x),
                                        tensor({extent(n), 1}, score));
    reference::straight_through_backward(dscore, dy, x, score, dim);
    expect_close("dscore", actual, dscore);
  });
}

TEST_P(Kernels, Softmax) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 40), columns = static_cast<Size>(draw.integer(1, 40));
    const Values x = draw.numbers(n * columns, shape == 7 ? 300 : 5),
                 dy = draw.numbers(n * columns);
    const Shape size{extent(n), extent(columns)};
    const Tensor y = backend_->empty(size);
    backend_->softmax(y, tensor(size, x));
    const Values expected = reference::softmax(x, n, columns);
    expect_close("y", y, expected);
    Values dx = draw.numbers(n * columns);
    const Tensor actual = tensor(size, dx);
    backend_->softmax_backward(actual, tensor(size, dy), y);
    reference::softmax_backward(dx, dy, expected, n, columns);
    expect_close("dx", actual, dx);
  });
}

TEST_P(Kernels, CombineExperts) {
  for_each_shape([&](Draw& draw, int shape) {
    const int experts = draw.integer(2, 8), k = 1 + shape % 2;
    const Size n = rows(draw, shape, 40), dim = static_cast<Size>(draw.integer(1, 140)),
               chosen = static_cast<Size>(k), count = static_cast<Size>(experts);
    Index expert = draw.experts(n, experts, k), row = draw.permutation(n * chosen);
    for (Size i = 2; shape % 3 == 0 && i < row.size(); i += 5) expert[i] = row[i] = -1;  // none
    const Values residual = draw.numbers(n * dim), e = draw.numbers(n * chosen * dim),
                 p = draw.numbers(n * count), dy = draw.numbers(n * dim);
    const Shape size{extent(n), extent(dim)}, answers{extent(n * chosen), extent(dim)},
        shares{extent(n), experts};
    const Tensor y = backend_->empty(size);
    backend_->combine(y, tensor(size, residual), tensor(answers, e), tensor(shares, p), expert, row,
                      k);
    expect_close("y", y, reference::combine(residual, e, p, expert, row, chosen, count, dim));
    Values dresidual = draw.numbers(n * dim), de = draw.numbers(n * chosen * dim),
           dp = draw.numbers(n * count);
    const Tensor actual_dresidual = tensor(size, dresidual), actual_de = tensor(answers, de),
                 actual_dp = tensor(shares, dp);
    const bool wants_residual = shape != 4, wants_e = shape != 5, wants_p = shape != 6;
    backend_->combine_backward(wants_residual ? actual_dresidual : Tensor{},
                               wants_e ? actual_de : Tensor{}, wants_p ? actual_dp : Tensor{},
                               tensor(size, dy), tensor(answers, e), tensor(shares, p), expert, row,
                               k);
    reference::combine_backward(wants_residual ? &dresidual : nullptr, wants_e ? &de : nullptr,
                                wants_p ? &dp : nullptr, dy, e, p, expert, row, chosen, count, dim);
    expect_close("dresidual", actual_dresidual, dresidual);
    expect_close("de", actual_de, de);
    expect_close("dp", actual_dp, dp);
  });
}

TEST_P(Kernels, CrossEntropy) {
  for_each_shape([&](Draw& draw, int shape) {
    const int classes = draw.integer(2, 40);
    const Size n = rows(draw, shape, 40), count = static_cast<Size>(classes);
    const float smoothing = shape % 2 ? 0.1f : 0.0f, scale = 0.25f;
    const Values x = draw.numbers(n * count, 5);
    const Index label = draw.indices(n, 0, classes - 1);
    const Shape size{extent(n), classes};
    const Tensor loss = tensor({1}, {1.5}), p = backend_->empty(size);
    backend_->cross_entropy(loss, p, tensor(size, x), label, smoothing, scale);
    expect_close("loss", loss,
                 {1.5 + reference::cross_entropy<double>(x, label, smoothing, scale, count)});
    expect_close("p", p, reference::softmax(x, n, count));
    Values dx = draw.numbers(n * count);
    const Tensor actual = tensor(size, dx);
    backend_->cross_entropy_backward(actual, tensor({1}, {0.75}), p, label, smoothing, scale);
    reference::cross_entropy_backward<double>(dx, 0.75, x, label, smoothing, scale, count);
    expect_close("dx", actual, dx);
  });
}

TEST_P(Kernels, SquaredError) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 40), dim = static_cast<Size>(draw.integer(1, 140));
    const bool weighted = shape % 2 == 1;
    const Values x = draw.numbers(n * dim), target = draw.numbers(n * dim),
                 weight = draw.numbers(n);
    const Shape size{extent(n), extent(dim)};
    const Tensor loss = tensor({1}, {1.5}), input = tensor(size, x), aim = tensor(size, target),
                 weights = weighted ? tensor({extent(n)}, weight) : Tensor{};
    backend_->squared_error(loss, input, aim, weights, 0.25f);
    expect_close(
        "loss", loss,
        {1.5 + reference::squared_error(x, target, weighted ? &weight : nullptr, 0.25, dim)});
    Values dx = draw.numbers(n * dim);
    const Tensor actual = tensor(size, dx);
    backend_->squared_error_backward(actual, tensor({1}, {0.75}), input, aim, weights, 0.25f);
    reference::squared_error_backward(dx, 0.75, x, target, weighted ? &weight : nullptr, 0.25, dim);
    expect_close("dx", actual, dx);
  });
}

TEST_P(Kernels, AdamWAndSumOfSquares) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size size = static_cast<Size>(draw.integer(1, 3000));
    const int step = draw.integer(1, 50);
    Values value = draw.numbers(size), first = draw.numbers(size), second = draw.numbers(size);
    const Values gradient = draw.numbers(size);
    for (double& square : second) square = std::abs(square);
    double squares = 0;
    for (const double g : gradient) squares += g * g;
    const float scale = shape % 2 ? 0.3f : 1.0f;
    const AdamW settings{.learning_rate = 0.01f,
                         .beta1 = 0.9f,
                         .beta2 = 0.95f,
                         .epsilon = 1e-8f,
                         .weight_decay = 0.05f,
                         .step = step};
    const Tensor actual = tensor({extent(size)}, value),
                 actual_first = tensor({extent(size)}, first),
                 actual_second = tensor({extent(size)}, second);
    const Tensor d = tensor({extent(size)}, gradient);
    EXPECT_NEAR(backend_->sum_of_squares(d), squares, 1e-6 * squares);
    backend_->adamw(actual, d, actual_first, actual_second, settings, scale);
    reference::adamw<double>(value, gradient, first, second,
                             {0.01, settings.beta1, settings.beta2, 1e-8, 0.05, step}, scale);
    expect_close("value", actual, value);
    expect_close("first moment", actual_first, first);
    expect_close("second moment", actual_second, second);
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, Kernels, ::testing::ValuesIn(backends()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace semwave
