#include "experiment/results/metrics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "core/base/pooled_vector.h"

namespace semwave {

namespace {

// NaN counts as 0. Half of a step is rounded up, in double, where adding it is exact.
double eight_bit(float value) {
  return std::floor(static_cast<double>((value > 0.0f ? std::min(value, 1.0f) : 0.0f) * 255.0f) +
                    0.5) /
         255.0;
}

std::array<double, 11> gaussian_window() {
  std::array<double, 11> w{};
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
  static const std::array<double, 11> w = gaussian_window();
  const int ow = width - 10, oh = height - 10;
  rows.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(ow), 0);
  out.assign(static_cast<std::size_t>(oh) * static_cast<std::size_t>(ow), 0);
  // The window's places in the outer loop: the inner one then runs over neighbours.
  const auto add = [ow](double* to, const double* from, double weight) {
    for (int c = 0; c < ow; ++c) to[c] += weight * from[c];
  };
  for (int y = 0; y < height; ++y)
    for (int t = 0; t < 11; ++t)
      add(rows.data() + y * ow, x.data() + y * width + t, w[static_cast<std::size_t>(t)]);
  for (int y = 0; y < oh; ++y)
    for (int t = 0; t < 11; ++t)
      add(out.data() + y * ow, rows.data() + (y + t) * ow, w[static_cast<std::size_t>(t)]);
}

}  // namespace

std::pair<double, double> wilson95(std::int64_t hits, std::int64_t trials) {
  if (trials == 0) return {0, 1};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(trials), p = static_cast<double>(hits) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double psnr_db(std::span<const float> rebuilt, std::span<const float> original) {
  assert(rebuilt.size() == original.size() && !rebuilt.empty());
  double sum = 0;
  for (std::size_t i = 0; i < rebuilt.size(); ++i) {
    const double d = eight_bit(rebuilt[i]) - eight_bit(original[i]);
    sum += d * d;
  }
  return sum == 0 ? perfect_psnr_db : -10 * std::log10(sum / static_cast<double>(rebuilt.size()));
}

double ssim(std::span<const float> rebuilt, std::span<const float> original, int height, int width,
            int channels) {
  assert(height >= 11 && width >= 11);
  constexpr double c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const std::size_t pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  PooledVector<double> a(pixels), b(pixels), product(pixels), rows, mean_a, mean_b, aa, bb, ab;
  double total = 0;
  for (int c = 0; c < channels; ++c) {
    const auto at = [&](std::size_t i) {
      return i * static_cast<std::size_t>(channels) + static_cast<std::size_t>(c);
    };
    const auto moment = [&](const PooledVector<double>& x, const PooledVector<double>& y,
                            PooledVector<double>& out) {
      for (std::size_t i = 0; i < pixels; ++i) product[i] = x[i] * y[i];
      blur(product, height, width, rows, out);
    };
    for (std::size_t i = 0; i < pixels; ++i) {
      a[i] = eight_bit(rebuilt[at(i)]);
      b[i] = eight_bit(original[at(i)]);
    }
    blur(a, height, width, rows, mean_a);
    blur(b, height, width, rows, mean_b);
    moment(a, a, aa);
    moment(b, b, bb);
    moment(a, b, ab);
    double sum = 0;
    for (std::size_t i = 0; i < mean_a.size(); ++i) {
      const double ma = mean_a[i], mb = mean_b[i];
      const double va = aa[i] - ma * ma, vb = bb[i] - mb * mb, cov = ab[i] - ma * mb;
      sum += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
    }
    total += sum / static_cast<double>(mean_a.size());
  }
  return total / channels;
}

double student95(int freedom) {
  constexpr double small[] = {12.7062, 4.3027, 3.1824};  // where the expansion is too far off
  if (freedom < 1) return std::numeric_limits<double>::infinity();
  if (freedom <= 3) return small[freedom - 1];
  const double z = 1.959963984540054, n = freedom;
  return z + (std::pow(z, 3) + z) / (4 * n) +
         (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * n * n) +
         (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) /
             (384 * n * n * n);
}

MeanInterval mean_interval(std::span<const double> values) {
  const double n = static_cast<double>(values.size());
  if (values.empty()) return {};
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / n;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, values.size() < 2 ? 0 : 1.959963984540054 * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace semwave
