// Structural similarity of the rebuilt image: Wang, Bovik, Sheikh, Simoncelli 2004.
#include "experiment/metric/metric.h"
#include "experiment/metric/picture_scores.h"

namespace semwave {
namespace {

class Ssim final : public Metric {
 public:
  std::string key() const override { return "ssim"; }
  Needs needs() const override { return Needs::image; }
  std::string heading() const override { return "SSIM"; }

  std::string refusal(int height, int width, int /*channels*/) const override {
    return height < ssim_window || width < ssim_window ? "needs images of at least 11x11" : "";
  }

  double score(const ScoredImage& image) const override {
    return ssim(image.rebuilt, image.original, image.height, image.width, image.channels);
  }

  std::vector<ScoreColumn> columns() const override {
    return {{"image", "ssim", 6, "/ssim", 4, false}};
  }
};

}  // namespace

void add_ssim(MetricRegistry& registry) {
  registry.add("ssim",
               {.summary = "mean over images of the structural similarity of the rebuilt image"},
               [](const Json&) { return std::make_unique<Ssim>(); });
}

}  // namespace semwave
