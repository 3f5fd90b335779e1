// What a point measures. A metric scores the answer to one image; a row holds the mean of its
// scores. One class says everything about a metric: its name, what it looks at, which images it
// can score, its columns in a row and in a table. How to add one: docs/extending/metric.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config/ordered_json.h"
#include "core/config/registry.h"

namespace semwave {

/// One image and what came of it.
struct ScoredImage {
  std::int32_t label = -1;     // class; -1: not known
  std::int32_t decision = -1;  // class the receiver says; -1: it says none, or too late
  std::span<const float> rebuilt, original;  // [height, width, channels] in [0, 1]; empty where
                                             // the metric needs none
  int height = 0, width = 0, channels = 0;
};

/// The scores of a point's images, added in the order of the images.
struct ScoreSum {
  std::int64_t images = 0;  // with a score
  double sum = 0;
  double mean() const { return sum / static_cast<double>(images > 0 ? images : 1); }
};

/// A column of the table that `semwave run` prints.
struct ScoreColumn {
  std::string group, name;
  std::size_t width = 8;
  std::string pointer;  // of the value in a row
  int digits = 4;
  bool essential = true;  // false: a narrow terminal does without it
};

/// Immutable; used by many threads at once.
class Metric {
 public:
  /// `decision`: class and label alone, which every record holds; a score is made of them wherever
  /// it is wanted. `image`: the rebuilt image, which only the receiver has; the score travels.
  enum class Needs : std::uint8_t { decision, image };

  virtual ~Metric() = default;

  /// Key of the mean in a row, and of the score in a record, unit included: "psnr_db".
  virtual std::string key() const = 0;
  virtual Needs needs() const = 0;
  /// Name with unit, as the head of a column: "PSNR, dB".
  virtual std::string heading() const = 0;
  virtual int digits() const { return 4; }
  /// Raised with every change that changes a score: points that used the old one run again.
  virtual int version() const { return 1; }
  /// Why images of this size cannot be scored; empty: they can.
  virtual std::string refusal(int /*height*/, int /*width*/, int /*channels*/) const { return {}; }

  /// NaN: this image has no score. An image that was not rebuilt is scored with the mean training
  /// image in its place; one without a decision with decision -1.
  virtual double score(const ScoredImage& image) const = 0;

  /// Adds the metric's columns to a row: the mean under key() unless overridden. `halfwidth`: of
  /// the 95 % interval of the mean, where images depend on each other (a timeline) and the metric's
  /// own interval would be too narrow. Called where at least one image has a score.
  virtual void add_to(OrderedJson& row, const ScoreSum& scores,
                      std::optional<double> halfwidth) const;
  /// Columns of the printed table; the first holds the mean.
  virtual std::vector<ScoreColumn> columns() const;
};

/// accuracy, psnr, ssim, ms_ssim, and what a program added: names as in a scenario's `metrics`.
using MetricRegistry = Registry<std::unique_ptr<Metric>>;
MetricRegistry& metrics();

/// The metrics of a point, in the order of the registry. The i-th that needs an image has place i
/// among the scores of a record.
using Metrics = std::vector<std::shared_ptr<const Metric>>;

/// Metrics that need an image, of one point: what a record has room for.
inline constexpr std::size_t most_image_metrics = 8;

bool any_needs(const Metrics& metrics, Metric::Needs needs);
/// Those that need an image: one for each place among the scores of a record.
Metrics image_metrics(const Metrics& metrics);

}  // namespace semwave
