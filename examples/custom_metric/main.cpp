// `semwave` with two metrics more. `mae` is the mean absolute error of the rebuilt image, in grey
// levels. `neighbours` counts a decision as right where it is at most one class away.
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include <semwave/apps/semwave_main.h>
#include <semwave/experiment/metric/metric.h>

namespace {

using namespace semwave;

class MeanAbsoluteError final : public Metric {
 public:
  std::string key() const override { return "mae"; }
  Needs needs() const override { return Needs::image; }
  std::string heading() const override { return "MAE, grey levels"; }
  int digits() const override { return 2; }

  double score(const ScoredImage& image) const override {
    double sum = 0;
    for (std::size_t i = 0; i < image.original.size(); ++i)
      sum += std::abs(static_cast<double>(image.rebuilt[i]) - image.original[i]);
    return 255 * sum / static_cast<double>(image.original.size());
  }
};

class Neighbours final : public Metric {
 public:
  std::string key() const override { return "neighbours"; }
  Needs needs() const override { return Needs::decision; }
  std::string heading() const override { return "share within one class"; }

  double score(const ScoredImage& image) const override {
    if (image.label < 0)
      return std::numeric_limits<double>::quiet_NaN();  // nothing to compare with
    return image.decision >= 0 && std::abs(image.decision - image.label) <= 1 ? 1 : 0;
  }
};

}  // namespace

int main(int argc, char** argv) {
  metrics().add("mae", {.summary = "mean absolute error of the rebuilt image, grey levels"},
                [](const Json&) { return std::make_unique<MeanAbsoluteError>(); });
  metrics().add("neighbours", {.summary = "share of decisions at most one class away"},
                [](const Json&) { return std::make_unique<Neighbours>(); });
  return semwave_main(argc, argv);
}
