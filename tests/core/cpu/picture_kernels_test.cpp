// The kernels of pictures against the reference, as kernels_test.cpp holds those of rows.
#include "tests/core/cpu/kernel_test.h"
#include "tests/reference_picture_kernels.h"

namespace semwave {
namespace {

class PictureKernels : public KernelTest {};

TEST_P(PictureKernels, Patches) {
  for_each_shape([&](Draw& draw, int shape) {
    const int kernel = draw.integer(1, 4), padding = draw.integer(0, kernel - 1),
              stride = draw.integer(1, 3);
    const reference::WindowShape s{rows(draw, shape, 4),
                                   static_cast<Size>(draw.integer(4, 12)),
                                   static_cast<Size>(draw.integer(4, 12)),
                                   static_cast<Size>(draw.integer(1, 9)),
                                   kernel,
                                   stride,
                                   padding};
    const Shape in{extent(s.images), extent(s.height), extent(s.width), extent(s.channels)},
        out{extent(s.rows()), extent(s.columns())};
    const Window window{.kernel = kernel, .stride = stride, .padding = padding};
    const Values x = draw.numbers(static_cast<Size>(in.size())),
                 dy = draw.numbers(s.rows() * s.columns());
    const Tensor y = backend_->empty(out);
    backend_->patches(y, tensor(in, x), window);
    expect_close("y", y, reference::patches(x, s));
    Values dx = draw.numbers(x.size());
    const Tensor actual = tensor(in, dx);
    backend_->patches_backward(actual, tensor(out, dy), window);
    reference::patches_backward(dx, dy, s);
    expect_close("dx", actual, dx);
  });
}

TEST_P(PictureKernels, PatchesOfSomeRowsAreThoseOfTheWhole) {
  for_each_shape([&](Draw& draw, int shape) {
    const int kernel = draw.integer(1, 5), padding = draw.integer(0, kernel - 1),
              stride = draw.integer(1, 3);
    const Window window{.kernel = kernel, .stride = stride, .padding = padding};
    const Size images = rows(draw, shape, 3), channels = static_cast<Size>(draw.integer(1, 18));
    const reference::WindowShape s{images,
                                   static_cast<Size>(draw.integer(5, 12)),
                                   static_cast<Size>(draw.integer(5, 12)),
                                   channels,
                                   kernel,
                                   stride,
                                   padding};
    const int all = static_cast<int>(s.out_height()), begin = draw.integer(0, all - 1),
              end = draw.coin() ? -1 : draw.integer(begin, all),
              count = (end < 0 ? all : end) - begin;
    const Size row = s.out_width() * s.columns(), part = static_cast<Size>(count) * row;
    const Shape in{extent(images), extent(s.height), extent(s.width), extent(channels)},
        out{extent(images) * count * extent(s.out_width()), extent(s.columns())};
    const Values x = draw.numbers(static_cast<Size>(in.size())), dy = draw.numbers(images * part);
    const Values whole = reference::patches(x, s);
    Values expected, spread(whole.size());
    for (Size image = 0; image < images; ++image)
      for (Size i = 0; i < part; ++i) {
        const Size at = image * s.out_height() * row + static_cast<Size>(begin) * row + i;
        expected.push_back(whole[at]);
        spread[at] = dy[image * part + i];
      }
    const Tensor y = backend_->empty(out);
    backend_->patches(y, tensor(in, x), window, {begin, end});
    expect_close("y", y, expected);
    Values dx = draw.numbers(x.size());
    const Tensor actual = tensor(in, dx);
    backend_->patches_backward(actual, tensor(out, dy), window, {begin, end});
    reference::patches_backward(dx, spread, s);
    expect_close("dx", actual, dx);
  });
}

TEST_P(PictureKernels, Prelu) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 70), channels = static_cast<Size>(draw.integer(1, 40)),
               slopes = draw.coin() ? 1 : channels;
    const Values x = draw.numbers(n * channels), dy = draw.numbers(n * channels),
                 slope = draw.numbers(slopes);
    const Shape all{extent(n), extent(channels)};
    const Tensor y = backend_->empty(all), input = tensor(all, x),
                 below = tensor({extent(slopes)}, slope);
    backend_->prelu(y, input, below);
    expect_close("y", y, reference::prelu(x, slope));
    Values dx = draw.numbers(x.size()), dslope = draw.numbers(slopes);
    const Tensor actual_dx = tensor(all, dx), actual_dslope = tensor({extent(slopes)}, dslope);
    backend_->prelu_backward(actual_dx, actual_dslope, tensor(all, dy), input, below);
    backend_->prelu_backward({}, {}, tensor(all, dy), input, below);
    reference::prelu_backward(dx, dslope, dy, x, slope);
    expect_close("dx", actual_dx, dx);
    expect_close("dslope", actual_dslope, dslope);
  });
}

TEST_P(PictureKernels, Sigmoid) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size n = rows(draw, shape, 300);
    const Values x = draw.numbers(n, 6), dy = draw.numbers(n);
    const Tensor y = backend_->empty({extent(n)});
    backend_->sigmoid(y, tensor({extent(n)}, x));
    expect_close("y", y, reference::sigmoids(x));
    Values dx = draw.numbers(n);
    const Tensor actual = tensor({extent(n)}, dx);
    backend_->sigmoid_backward(actual, tensor({extent(n)}, dy), y);
    backend_->sigmoid_backward({}, tensor({extent(n)}, dy), y);
    reference::sigmoids_backward(dx, dy, x);
    expect_close("dx", actual, dx);
  });
}

TEST_P(PictureKernels, ScaleChannels) {
  for_each_shape([&](Draw& draw, int shape) {
    const Size images = rows(draw, shape, 5), pixels = static_cast<Size>(draw.integer(1, 40)),
               channels = static_cast<Size>(draw.integer(1, 40)), n = images * pixels;
    const Shape all{extent(n), extent(channels)}, few{extent(images), extent(channels)};
    const Values x = draw.numbers(n * channels), dy = draw.numbers(n * channels),
                 scale = draw.numbers(images * channels);
    const Tensor y = backend_->empty(all), input = tensor(all, x), factors = tensor(few, scale);
    backend_->scale_channels(y, input, factors);
    expect_close("y", y, reference::scale_channels(x, scale, pixels, channels));
    Values dx = draw.numbers(x.size()), dscale = draw.numbers(scale.size());
    const Tensor actual_dx = tensor(all, dx), actual_dscale = tensor(few, dscale);
    backend_->scale_channels_backward(actual_dx, actual_dscale, tensor(all, dy), input, factors);
    backend_->scale_channels_backward({}, {}, tensor(all, dy), input, factors);
    reference::scale_channels_backward(dx, dscale, dy, x, scale, pixels, channels);
    expect_close("dx", actual_dx, dx);
    expect_close("dscale", actual_dscale, dscale);
  });
}

TEST_P(PictureKernels, MaxPool) {
  for_each_shape([&](Draw& draw, int) {
    const int kernel = static_cast<int>(draw.integer(1, 4)),
              stride = static_cast<int>(draw.integer(1, 3)),
              padding = static_cast<int>(draw.integer(0, kernel - 1));
    const reference::WindowShape s{static_cast<Size>(draw.integer(0, 3)),
                                   static_cast<Size>(draw.integer(4, 12)),
                                   static_cast<Size>(draw.integer(4, 12)),
                                   static_cast<Size>(draw.integer(1, 37)),
                                   kernel,
                                   stride,
                                   padding};
    const Shape in{extent(s.images), extent(s.height), extent(s.width), extent(s.channels)};
    const Shape out{extent(s.images), extent(s.out_height()), extent(s.out_width()),
                    extent(s.channels)};
    Values x = draw.numbers(static_cast<Size>(in.size()));
    for (double& v : x) v = static_cast<float>(v);  // ties and order as the kernel sees them
    const Values dy = draw.numbers(static_cast<Size>(out.size()));
    const Tensor y = backend_->empty(out);
    PooledVector<std::int32_t> source;
    std::vector<std::size_t> expected;
    backend_->max_pool(y, source, tensor(in, x),
                       Window{.kernel = kernel, .stride = stride, .padding = padding});
    expect_close("y", y, reference::max_pool(x, s, expected));
    EXPECT_TRUE(std::equal(
        source.begin(), source.end(), expected.begin(), expected.end(),
        [](std::int32_t a, std::size_t b) { return a >= 0 && static_cast<std::size_t>(a) == b; }));
    Values dx = draw.numbers(x.size());
    const Tensor actual = tensor(in, dx);
    backend_->max_pool_backward(actual, tensor(out, dy), source);
    reference::max_pool_backward(dx, dy, expected);
    expect_close("dx", actual, dx);
  });
}

INSTANTIATE_TEST_SUITE_P(Backends, PictureKernels, ::testing::ValuesIn(backends()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace semwave
