// What tests of kernels share: the backends they hold to the double-precision reference, random
// shapes, and how near is near enough.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "core/tensor/backend.h"
#include "tests/fixtures/ragged.h"
#include "tests/reference_kernels.h"

namespace semwave {
namespace {  // compiled once for each device

using reference::Draw;
using reference::Index;
using reference::Size;
using Values = reference::Array<double>;

constexpr int shapes = 60;  // random shapes a kernel
constexpr double tolerance =
    1e-5;  // of the largest number of the tensor (at least `smallest_scale`)
constexpr double smallest_scale = 0.05;

struct BackendCase {
  std::string name;
  std::function<std::unique_ptr<Backend>()> make;
};

// tests/cuda/kernels_test.cpp compiles this file once more, for its device.
#ifdef SEMWAVE_TESTED_BACKEND
std::vector<BackendCase> backends() {
  return {{SEMWAVE_TESTED_BACKEND}};
}
#else
/// Every variant of the CPU kernels that this program holds and this machine runs.
std::vector<BackendCase> backends() {
  std::vector<BackendCase> all;
  for (std::size_t i = 0; i < make_cpu_backends().size(); ++i)
    all.push_back({"cpu" + std::to_string(i), [i] { return std::move(make_cpu_backends()[i]); }});
  return all;
}
#endif

std::int64_t extent(Size size) {
  return static_cast<std::int64_t>(size);
}

class KernelTest : public ::testing::TestWithParam<BackendCase> {
 protected:
  Tensor tensor(Shape shape, const Values& values) {
    EXPECT_EQ(shape.size(), extent(values.size()));
    const std::vector<float> floats(values.begin(), values.end());
    return backend_->from_host(shape, floats.data());
  }
  Values values_of(const Tensor& x) {
    std::vector<float> floats(static_cast<Size>(x.size()));
    if (!floats.empty()) backend_->to_host(x, floats.data());
    return Values(floats.begin(), floats.end());
  }
  void expect_close(const char* what, const Tensor& actual, const Values& expected) {
    const Values values = values_of(actual);
    ASSERT_EQ(values.size(), expected.size()) << what;
    double scale = smallest_scale;
    for (const double value : expected) scale = std::max(scale, std::abs(value));
    for (Size i = 0; i < values.size(); ++i)
      ASSERT_LE(std::abs(values[i] - expected[i]), tolerance * scale)
          << what << " [" << i << "] of " << actual.shape().str() << ": " << values[i]
          << " should be " << expected[i];
  }
  RaggedPtr layout_of(const Index& starts) {
    std::vector<int> rows_of;
    for (Size i = 0; i + 1 < starts.size(); ++i) rows_of.push_back(starts[i + 1] - starts[i]);
    return layout_of_rows(rows_of);
  }
  // Rows of the case: none, one, then any.
  static Size rows(Draw& draw, int shape, int most) {
    return shape == 0 ? 0 : shape == 1 ? 1 : static_cast<Size>(draw.integer(1, most));
  }

  std::unique_ptr<Backend> backend_ = GetParam().make();
};

// Runs `body(draw, shape)` for every shape, saying which one failed.
void for_each_shape(const std::function<void(Draw&, int)>& body) {
  for (int shape = 0; shape < shapes && !::testing::Test::HasFatalFailure(); ++shape) {
    SCOPED_TRACE("shape " + std::to_string(shape));
    Draw draw(static_cast<std::uint32_t>(1000 + shape));
    body(draw, shape);
  }
}

}  // namespace
}  // namespace semwave
