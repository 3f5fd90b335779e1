// Convolutions of pictures and their adjoint on the tape: values, derivatives and counts, of
// pictures that go in one piece, several at once, and in pieces of a few rows.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "core/ops/ops.h"
#include "tests/reference_picture_kernels.h"

namespace semwave {
namespace {

using reference::Draw;
using reference::Size;
using Values = reference::Array<double>;

struct Case {
  std::int64_t images;
  int height, width, channels, out, kernel, stride, padding;

  Window window() const { return {kernel, stride, padding}; }
  reference::WindowShape shape() const {
    const auto size = [](std::int64_t extent) { return static_cast<Size>(extent); };
    return {size(images), size(height), size(width), size(channels), kernel, stride, padding};
  }
};

class Convolutions : public ::testing::TestWithParam<Case> {
 protected:
  Tensor tensor(Shape shape, const Values& values) {
    const std::vector<float> floats(values.begin(), values.end());
    return backend_->from_host(shape, floats.data());
  }
  Values host(const Tensor& x) {
    std::vector<float> floats(static_cast<Size>(x.size()));
    backend_->to_host(x, floats.data());
    return Values(floats.begin(), floats.end());
  }
  void expect_close(const char* what, const Values& actual, const Values& expected) {
    ASSERT_EQ(actual.size(), expected.size()) << what;
    double scale = 0.05;
    for (const double value : expected) scale = std::max(scale, std::abs(value));
    for (Size i = 0; i < actual.size(); ++i)
      ASSERT_NEAR(actual[i], expected[i], 2e-5 * scale) << what << " [" << i << "]";
  }
  const Parameter& add(ParameterSet& set, const char* name, Shape shape, const Values& values,
                       bool packs, bool both_ways = false) {
    Parameter& made = set.add(name, shape, Init::zeros, false, packs);
    made.both_ways = both_ways;
    backend_->copy(made.value, tensor(shape, values));
    return made;
  }

  std::unique_ptr<Backend> backend_ = make_cpu_backend();
};

TEST_P(Convolutions, AreProductsOverWindows) {
  const Case& c = GetParam();
  const reference::WindowShape shape = c.shape();
  const Size out = static_cast<Size>(c.out), depth = shape.columns(), places = shape.rows();
  Draw draw(21);
  const Values x = draw.numbers(shape.images * shape.height * shape.width * shape.channels),
               w = draw.numbers(out * depth, 0.3), b = draw.numbers(out),
               dy = draw.numbers(places * out);
  ParameterSet set(*backend_);
  const Parameter& weight = add(set, "weight", {c.out, static_cast<std::int64_t>(depth)}, w, true);
  const Parameter& bias = add(set, "bias", {c.out}, b, false);
  set.pack(true);
  Tape tape;
  Gradients lane(set);
  Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane, .draws = {}};
  const Var input(tensor({c.images, c.height, c.width, c.channels}, x), true);
  const Var y = convolution(pass, input, weight, bias, c.window());
  ASSERT_EQ(y.value().shape(),
            (Shape{c.images, c.window().out(c.height), c.window().out(c.width), c.out}));
  EXPECT_EQ(pass.operations, 2.0 * static_cast<double>(places * out * depth));
  const Values windows = reference::patches(x, shape);
  expect_close("y", host(y.value()),
               reference::linear(windows, w, &b, reference::Activation::none,
                                 static_cast<const Values*>(nullptr), places, depth, out));

  // Half the squared distance to y - dy has the derivative dy.
  Values target = host(y.value());
  for (Size i = 0; i < target.size(); ++i) target[i] -= dy[i];
  tape.backward(*backend_, squared_error(pass, y, tensor(y.value().shape(), target), {}, 0.5f));
  Values dwindows(windows.size()), dw(w.size()), db(b.size()), dx(x.size());
  reference::linear_backward_input(dwindows, dy, w, places, depth, out);
  reference::linear_backward_weight(&dw, &db, dy, windows, places, depth, out);
  reference::patches_backward(dx, dwindows, shape);
  expect_close("dx", host(input.gradient(*backend_)), dx);
  expect_close("dweight", host(lane.of(weight)), dw);
  expect_close("dbias", host(lane.of(bias)), db);
}

TEST_P(Convolutions, AreTransposedByTheirAdjoint) {
  const Case& c = GetParam();  // of the picture that comes out
  const reference::WindowShape shape = c.shape();
  const Size in = static_cast<Size>(c.out), depth = shape.columns(), places = shape.rows();
  Draw draw(22);
  const Values x = draw.numbers(places * in), w = draw.numbers(in * depth, 0.3),
               b = draw.numbers(shape.channels),
               dy = draw.numbers(shape.images * shape.height * shape.width * shape.channels);
  ParameterSet set(*backend_);
  const Parameter& weight =
      add(set, "weight", {c.out, static_cast<std::int64_t>(depth)}, w, true, true);
  const Parameter& bias = add(set, "bias", {c.channels}, b, false);
  set.pack(false);
  const Shape small{c.images, c.window().out(c.height), c.window().out(c.width), c.out};
  const auto run = [&](Pass& pass, const Var& input) {
    return transposed_convolution(pass, input, weight, bias, c.window(), c.height, c.width);
  };
  Pass inference{.backend = *backend_};
  const Values inferred = host(run(inference, Var(tensor(small, x))).value());

  set.pack(true);
  Tape tape;
  Gradients lane(set);
  Pass pass{.backend = *backend_, .tape = &tape, .gradients = &lane, .draws = {}};
  const Var input(tensor(small, x), true);
  const Var y = run(pass, input);
  ASSERT_EQ(y.value().shape(), (Shape{c.images, c.height, c.width, c.channels}));
  EXPECT_EQ(pass.operations, 2.0 * static_cast<double>(places * in * depth));
  EXPECT_EQ(host(y.value()), inferred);
  expect_close("y", inferred, reference::transposed_convolution(x, w, b, shape, in));

  Values target = host(y.value());
  for (Size i = 0; i < target.size(); ++i) target[i] -= dy[i];
  tape.backward(*backend_, squared_error(pass, y, tensor(y.value().shape(), target), {}, 0.5f));
  // Its derivative in x is the convolution of dy, that in the weight sums over the windows of dy.
  const Values windows = reference::patches(dy, shape);
  Values dw(w.size()), db(b.size());
  reference::linear_backward_weight(&dw, static_cast<Values*>(nullptr), x, windows, places, depth,
                                    in);
  for (Size i = 0; i < dy.size(); ++i) db[i % db.size()] += dy[i];
  expect_close("dx", host(input.gradient(*backend_)),
               reference::linear(windows, w, static_cast<const Values*>(nullptr),
                                 reference::Activation::none, static_cast<const Values*>(nullptr),
                                 places, depth, in));
  expect_close("dweight", host(lane.of(weight)), dw);
  expect_close("dbias", host(lane.of(bias)), db);
}

TEST_P(Convolutions, OfAPictureDoNotDependOnItsNeighbours) {
  const Case& c = GetParam();
  Draw draw(23);
  const reference::WindowShape shape = c.shape();
  const Size values = shape.height * shape.width * shape.channels;
  const Values x = draw.numbers(shape.images * values);
  ParameterSet set(*backend_);
  const std::int64_t depth = static_cast<std::int64_t>(shape.columns());
  const Parameter& weight = add(set, "weight", {c.out, depth},
                                draw.numbers(static_cast<Size>(c.out * depth)), true, true);
  const Parameter& down = add(set, "down", {c.out}, draw.numbers(static_cast<Size>(c.out)), false);
  const Parameter& up = add(set, "up", {c.channels}, draw.numbers(shape.channels), false);
  set.pack(false);
  const auto both = [&](const Values& pictures, std::int64_t images) {
    Pass pass{.backend = *backend_};
    const Var small =
        convolution(pass, Var(tensor({images, c.height, c.width, c.channels}, pictures)), weight,
                    down, c.window());
    return host(
        transposed_convolution(pass, small, weight, up, c.window(), c.height, c.width).value());
  };
  const Values all = both(x, c.images);
  for (Size i = 0; i < shape.images; ++i) {
    const auto at = [&](const Values& of) {
      return Values(of.begin() + static_cast<std::ptrdiff_t>(i * values),
                    of.begin() + static_cast<std::ptrdiff_t>((i + 1) * values));
    };
    EXPECT_EQ(both(at(x), 1), at(all)) << "picture " << i;
  }
}

// The last two are cut into rows and into single rows.
INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolutions,
    ::testing::Values(Case{2, 7, 6, 3, 4, 3, 1, 1}, Case{3, 8, 12, 3, 16, 5, 2, 2},
                      Case{1, 5, 5, 1, 1, 1, 1, 0}, Case{2, 9, 7, 2, 3, 4, 3, 1},
                      Case{2, 40, 24, 16, 6, 5, 1, 2}, Case{1, 6, 120, 50, 5, 5, 1, 2}));

}  // namespace
}  // namespace semwave
