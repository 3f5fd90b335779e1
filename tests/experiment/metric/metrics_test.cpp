#include "experiment/metric/picture_scores.h"
#include "experiment/metric/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace semwave {
namespace {

TEST(Wilson, MatchesPublishedValues) {
  // Newcombe 1998, table I, method 3: 81/263 and 0/20.
  auto [low, high] = wilson95(81, 263);
  EXPECT_NEAR(low, 0.2553, 5e-5);
  EXPECT_NEAR(high, 0.3662, 5e-5);
  std::tie(low, high) = wilson95(0, 20);
  EXPECT_NEAR(low, 0.0, 1e-12);
  EXPECT_NEAR(high, 0.1611, 5e-5);
  std::tie(low, high) = wilson95(0, 0);
  EXPECT_EQ(low, 0);
  EXPECT_EQ(high, 1);
}

TEST(Psnr, IsOfTheEightBitImage) {
  const std::vector<float> a(100, 0.5f);
  std::vector<float> b(100, 0.5f + 10.0f / 255);
  EXPECT_NEAR(psnr_db(b, a), 20 * std::log10(25.5), 1e-9);
  b.assign(100, 0.5f + 0.2f / 255);
  EXPECT_EQ(psnr_db(b, a), perfect_psnr_db) << "a difference below half a grey level is none";
  const std::vector<float> white(100, 1.0f), beyond(100, 7.0f), nothing(100, std::nanf(""));
  EXPECT_EQ(psnr_db(beyond, white), perfect_psnr_db);
  EXPECT_NEAR(psnr_db(nothing, white), 0, 1e-12);
}

TEST(Ssim, ConstantImagesFollowTheLuminanceTerm) {
  const std::vector<float> a(12 * 13, 100.0f / 255), b(12 * 13, 150.0f / 255);
  const double x = 100.0 / 255, y = 150.0 / 255, c1 = 1e-4;
  EXPECT_NEAR(ssim(a, b, 12, 13, 1), (2 * x * y + c1) / (x * x + y * y + c1), 1e-9);
  EXPECT_NEAR(ssim(a, a, 12, 13, 1), 1, 1e-12);
}

TEST(Ssim, MatchesTheDefinitionOnOneWindow) {
  // 11x11: a single window, so SSIM is the formula with Gaussian-weighted moments written out.
  std::vector<float> a(121), b(121);
  for (int i = 0; i < 121; ++i) {
    a[static_cast<std::size_t>(i)] = static_cast<float>((i * 37) % 256) / 255;
    b[static_cast<std::size_t>(i)] = static_cast<float>((i * 91 + 13) % 256) / 255;
  }
  double total = 0, ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 11; ++x) {
      const double w = std::exp(-((y - 5) * (y - 5) + (x - 5) * (x - 5)) / 4.5),
                   p = a[static_cast<std::size_t>(y * 11 + x)],
                   q = b[static_cast<std::size_t>(y * 11 + x)];
      total += w;
      ma += w * p;
      mb += w * q;
      aa += w * p * p;
      bb += w * q * q;
      ab += w * p * q;
    }
  ma /= total;
  mb /= total;
  const double va = aa / total - ma * ma, vb = bb / total - mb * mb, cov = ab / total - ma * mb,
               c1 = 1e-4, c2 = 9e-4;
  EXPECT_NEAR(ssim(a, b, 11, 11, 1),
              (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2)),
              1e-6);
}

TEST(MeanInterval, IsTheNormalInterval) {
  const std::vector<double> v{1, 2, 3, 4};
  const MeanInterval m = mean_interval(v);
  EXPECT_DOUBLE_EQ(m.mean, 2.5);
  EXPECT_NEAR(m.halfwidth, 1.959964 * std::sqrt(5.0 / 3 / 4), 1e-6);
}

}  // namespace
}  // namespace semwave
