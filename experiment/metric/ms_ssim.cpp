// Multi-scale structural similarity: Wang, Simoncelli, Bovik 2003. Contrast and structure at five
// scales, luminance at the coarsest; each scale is the one before, averaged over 2x2 pixels. A
// picture with a side below 176 has as many scales as fit the window, their weights scaled up to a
// sum of 1; such figures compare among pictures of one size only.
#include <algorithm>
#include <array>
#include <cmath>

#include "experiment/metric/metric.h"
#include "experiment/metric/picture_scores.h"

namespace semwave {
namespace {

constexpr std::array<double, 5> weights = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

int scales_of(int height, int width) {
  int scales = 0;
  for (int side = std::min(height, width); side >= ssim_window; side /= 2) ++scales;
  return std::min(scales, static_cast<int>(weights.size()));
}

/// Means of 2x2 pixels; an odd last row or column is left out.
PooledVector<double> halved(const PooledVector<double>& x, int height, int width) {
  PooledVector<double> made;
  for (int row = 0; row + 1 < height; row += 2)
    for (int column = 0; column + 1 < width; column += 2) {
      const auto at = static_cast<std::size_t>(row * width + column),
                 below = at + static_cast<std::size_t>(width);
      made.push_back((x[at] + x[at + 1] + x[below] + x[below + 1]) / 4);
    }
  return made;
}

/// Of one channel.
double ms_ssim(PooledVector<double> a, PooledVector<double> b, int height, int width) {
  const int scales = scales_of(height, width);
  double sum = 0, product = 1;
  for (int s = 0; s < scales; ++s) sum += weights[static_cast<std::size_t>(s)];
  for (int s = 0; s < scales; ++s) {
    const Similarity here = similarity(a, b, height, width);
    const double score = s + 1 < scales ? here.contrast_structure : here.ssim;
    // Structures that are each other's negative have no root: they count as 0.
    product *= std::pow(std::max(0.0, score), weights[static_cast<std::size_t>(s)] / sum);
    if (s + 1 == scales) break;
    a = halved(a, height, width);
    b = halved(b, height, width);
    height /= 2;
    width /= 2;
  }
  return product;
}

class MsSsim final : public Metric {
 public:
  std::string key() const override { return "ms_ssim"; }
  Needs needs() const override { return Needs::image; }
  std::string heading() const override { return "MS-SSIM"; }

  std::string refusal(int height, int width, int /*channels*/) const override {
    return scales_of(height, width) == 0 ? "needs images of at least 11x11" : "";
  }

  double score(const ScoredImage& image) const override {
    const auto& [label, decision, rebuilt, original, height, width, channels] = image;
    double total = 0;
    for (int c = 0; c < channels; ++c)
      total += ms_ssim(plane_of(rebuilt, height, width, channels, c),
                       plane_of(original, height, width, channels, c), height, width);
    return total / channels;
  }
};

}  // namespace

void add_ms_ssim(MetricRegistry& registry) {
  registry.add(
      "ms_ssim",
      {.summary = "mean over images of the multi-scale structural similarity of the "
                  "rebuilt image; below 176 pixels a side with fewer than its five scales"},
      [](const Json&) { return std::make_unique<MsSsim>(); });
}

}  // namespace semwave
