// MS-SSIM against its definition written out window by window.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "experiment/metric/metric.h"

namespace semwave {
namespace {

using Plane = std::vector<double>;

constexpr double paper[] = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

struct Scale {
  double luminance = 0, contrast_structure = 0, both = 0;  // means over the windows
};

Scale scale_of(const Plane& a, const Plane& b, int height, int width) {
  double weight[11][11], total = 0;
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 11; ++x)
      total += weight[y][x] = std::exp(-((y - 5) * (y - 5) + (x - 5) * (x - 5)) / 4.5);
  Scale sum;
  int windows = 0;
  for (int top = 0; top + 11 <= height; ++top)
    for (int left = 0; left + 11 <= width; ++left, ++windows) {
      double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
      for (int y = 0; y < 11; ++y)
        for (int x = 0; x < 11; ++x) {
          const auto at = static_cast<std::size_t>((top + y) * width + left + x);
          const double w = weight[y][x] / total;
          ma += w * a[at];
          mb += w * b[at];
          aa += w * a[at] * a[at];
          bb += w * b[at] * b[at];
          ab += w * a[at] * b[at];
        }
      const double l = (2 * ma * mb + 1e-4) / (ma * ma + mb * mb + 1e-4),
                   cs = (2 * (ab - ma * mb) + 9e-4) / (aa - ma * ma + bb - mb * mb + 9e-4);
      sum.luminance += l;
      sum.contrast_structure += cs;
      sum.both += l * cs;
    }
  return {sum.luminance / windows, sum.contrast_structure / windows, sum.both / windows};
}

Plane halved(const Plane& x, int height, int width) {
  Plane made;
  for (int y = 0; y < height / 2; ++y)
    for (int c = 0; c < width / 2; ++c) {
      double sum = 0;
      for (int dy = 0; dy < 2; ++dy)
        for (int dx = 0; dx < 2; ++dx)
          sum += x[static_cast<std::size_t>((2 * y + dy) * width + 2 * c + dx)];
      made.push_back(sum / 4);
    }
  return made;
}

double defined(Plane a, Plane b, int height, int width, int scales) {
  double weights = 0, product = 1;
  for (int s = 0; s < scales; ++s) weights += paper[s];
  for (int s = 0; s < scales; ++s) {
    const Scale here = scale_of(a, b, height, width);
    product *= std::pow(s + 1 < scales ? here.contrast_structure : here.both, paper[s] / weights);
    a = halved(a, height, width);
    b = halved(b, height, width);
    height /= 2;
    width /= 2;
  }
  return product;
}

/// Grey levels over 255: waves with texture, and the same with some of it gone.
std::pair<Plane, Plane> pictures(int height, int width) {
  Plane a, b;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double wave = 120 + 60 * std::sin(x / 9.0) * std::cos(y / 13.0);
      const int texture = (x * 37 + y * 91 + x * y) % 40;
      a.push_back(std::floor(wave + texture) / 255);
      b.push_back(std::floor(0.9 * wave + 12 + texture / 2) / 255);
    }
  return {a, b};
}

double measured(const Plane& a, const Plane& b, int height, int width) {
  const std::vector<float> rebuilt(a.begin(), a.end()), original(b.begin(), b.end());
  return metrics()
      .make({{"kind", "ms_ssim"}}, {})
      ->score({.rebuilt = rebuilt,
               .original = original,
               .height = height,
               .width = width,
               .channels = 1});
}

TEST(MsSsim, IsTheProductOverItsScales) {
  for (const auto& [height, width, scales] :
       {std::tuple{28, 28, 2}, std::tuple{45, 33, 2}, std::tuple{11, 15, 1},
        std::tuple{176, 181, 5}, std::tuple{175, 300, 4}}) {
    const auto [a, b] = pictures(height, width);
    EXPECT_NEAR(measured(a, b, height, width), defined(a, b, height, width, scales), 1e-9)
        << height << "x" << width;
    EXPECT_NEAR(measured(a, a, height, width), 1, 1e-12);
  }
}

TEST(MsSsim, OppositeStructuresCountAsNone) {
  auto [a, b] = pictures(28, 28);
  for (std::size_t i = 0; i < a.size(); ++i) b[i] = std::floor(255 * (1 - a[i]) + 0.5) / 255;
  EXPECT_EQ(measured(a, b, 28, 28), 0);
}

TEST(MsSsim, SmallerPicturesThanItsWindowAreRefused) {
  const auto metric = metrics().make({{"kind", "ms_ssim"}}, {});
  EXPECT_EQ(metric->refusal(10, 40, 1), "needs images of at least 11x11");
  EXPECT_EQ(metric->refusal(11, 11, 3), "");
}

}  // namespace
}  // namespace semwave
