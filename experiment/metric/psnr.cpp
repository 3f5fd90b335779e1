// Peak signal-to-noise ratio of the rebuilt image.
#include "experiment/metric/metric.h"
#include "experiment/metric/picture_scores.h"

namespace semwave {
namespace {

class Psnr final : public Metric {
 public:
  std::string key() const override { return "psnr_db"; }
  Needs needs() const override { return Needs::image; }
  std::string heading() const override { return "PSNR, dB"; }
  int digits() const override { return 2; }

  double score(const ScoredImage& image) const override {
    return psnr_db(image.rebuilt, image.original);
  }
};

}  // namespace

void add_psnr(MetricRegistry& registry) {
  registry.add(
      "psnr",
      {.summary =
           "mean over images of the PSNR of the rebuilt image, dB, peak 1.0 after 8-bit clamping"},
      [](const Json&) { return std::make_unique<Psnr>(); });
}

}  // namespace semwave
