#include "experiment/metric/picture_scores.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace semwave {
namespace {

// NaN counts as 0. Half of a step is rounded up, in double, where adding it is exact.
double eight_bit(float value) {
  return std::floor(static_cast<double>((value > 0.0f ? std::min(value, 1.0f) : 0.0f) * 255.0f) +
                    0.5) /
         255.0;
}

std::array<double, ssim_window> gaussian_window() {
  std::array<double, ssim_window> w{};
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double d = static_cast<double>(i) - 5;
    w[i] = std::exp(-d * d / (2 * 1.5 * 1.5));
    sum += w[i];
  }
  for (double& v : w) v /= sum;
  return w;
}

/// Separable window over the inside: [height, width] -> [height - 10, width - 10].
void blur(const PooledVector<double>& x, int height, int width, PooledVector<double>& rows,
          PooledVector<double>& out) {
  static const std::array<double, ssim_window> w = gaussian_window();
  const int ow = width - 10, oh = height - 10;
  rows.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(ow), 0);
  out.assign(static_cast<std::size_t>(oh) * static_cast<std::size_t>(ow), 0);
  // The window's places in the outer loop: the inner one then runs over neighbours.
  const auto add = [ow](double* to, const double* from, double weight) {
    for (int c = 0; c < ow; ++c) to[c] += weight * from[c];
  };
  for (int y = 0; y < height; ++y)
    for (int t = 0; t < ssim_window; ++t)
      add(rows.data() + y * ow, x.data() + y * width + t, w[static_cast<std::size_t>(t)]);
  for (int y = 0; y < oh; ++y)
    for (int t = 0; t < ssim_window; ++t)
      add(out.data() + y * ow, rows.data() + (y + t) * ow, w[static_cast<std::size_t>(t)]);
}

}  // namespace

double psnr_db(std::span<const float> rebuilt, std::span<const float> original) {
  assert(rebuilt.size() == original.size() && !rebuilt.empty());
  double sum = 0;
  for (std::size_t i = 0; i < rebuilt.size(); ++i) {
    const double d = eight_bit(rebuilt[i]) - eight_bit(original[i]);
    sum += d * d;
  }
  return sum == 0 ? perfect_psnr_db : -10 * std::log10(sum / static_cast<double>(rebuilt.size()));
}

PooledVector<double> plane_of(std::span<const float> picture, int height, int width, int channels,
                              int channel) {
  PooledVector<double> plane(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < plane.size(); ++i)
    plane[i] = eight_bit(
        picture[i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(channel)]);
  return plane;
}

Similarity similarity(const PooledVector<double>& a, const PooledVector<double>& b, int height,
                      int width) {
  assert(height >= ssim_window && width >= ssim_window);
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  PooledVector<double> product(a.size()), rows, mean_a, mean_b, aa, bb, ab;
  const auto moment = [&](const PooledVector<double>& x, const PooledVector<double>& y,
                          PooledVector<double>& out) {
    for (std::size_t i = 0; i < x.size(); ++i) product[i] = x[i] * y[i];
    blur(product, height, width, rows, out);
  };
  blur(a, height, width, rows, mean_a);
  blur(b, height, width, rows, mean_b);
  moment(a, a, aa);
  moment(b, b, bb);
  moment(a, b, ab);

  Similarity sum;
  for (std::size_t i = 0; i < mean_a.size(); ++i) {
    const double ma = mean_a[i], mb = mean_b[i];
    const double va = aa[i] - ma * ma, vb = bb[i] - mb * mb, cov = ab[i] - ma * mb;
    sum.ssim += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    sum.contrast_structure += (2 * cov + c2) / (va + vb + c2);
  }
  const double windows = static_cast<double>(mean_a.size());
  return {sum.ssim / windows, sum.contrast_structure / windows};
}

double ssim(std::span<const float> rebuilt, std::span<const float> original, int height, int width,
            int channels) {
  double total = 0;
  for (int c = 0; c < channels; ++c)
    total += similarity(plane_of(rebuilt, height, width, channels, c),
                        plane_of(original, height, width, channels, c), height, width)
                 .ssim;
  return total / channels;
}

}  // namespace semwave
