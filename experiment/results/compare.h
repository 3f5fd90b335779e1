// Two settings image by image: the same images met both, so their difference is known far better
// than either figure alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "experiment/results/recorded_folder.h"

namespace semwave {

/// A figure of both settings over the images that have it in both, and its mean difference b - a
/// with the half-width of its 95 % interval over images, Student's t. An image that is compared at
/// several points counts as one cluster (ratio estimator over clusters of unequal size, Cochran,
/// Sampling Techniques, 3rd edition 1977, chapter 9A), since its differences at different points go
/// together; so does a link of a timeline, whose images share its fades.
struct PairedMean {
  std::int64_t pairs = 0;  // 0: no image has it in both, and the rest means nothing
  double a = 0, b = 0, difference = 0, halfwidth = 0;
};

/// McNemar 1947: of the images on which the two disagree, how many each has right.
struct McNemar {
  std::int64_t a_only = 0, b_only = 0;
  double p = 1;  // two-sided
};

struct Comparison {
  std::int64_t pairs = 0;  // images and points compared
  PairedMean accuracy, uses;
  std::vector<std::pair<std::string, PairedMean>> scores;  // by key of the metric
  McNemar mcnemar;                                         // of the pairs of `accuracy`
  std::int64_t losses_a = 0, losses_b = 0;                 // headers
};

/// Two-sided p for so many discordant pairs: exact binomial up to 1000 of them, else chi-square
/// with continuity correction.
double mcnemar_p(std::int64_t a_only, std::int64_t b_only);

/// Adds up pairs, in memory that grows with the images and not with the points.
class PairedTotals {
 public:
  /// `score_keys`: of the metrics whose scores the records hold, in their order.
  explicit PairedTotals(std::vector<std::string> score_keys = {});
  /// The same image in both settings; of a timeline, the same image of the same link. Late answers
  /// are wrong ones, and so is what was lost, but where a setting measures no accuracy (`decides`
  /// is false) nothing is said of it.
  void add(const ImageRecord& a, const ImageRecord& b, bool decides = true);
  /// Where a cluster holds more than one pair, McNemar's p is that of the clustered statistic (sum
  /// d)^2 / sum d^2, d the sum of a cluster's differences (after Durkalski et al. 2003, without
  /// their weights), chi-square with one degree of freedom.
  Comparison result() const;

 private:
  enum Figure : std::size_t { accuracy, uses, first_score };
  static constexpr std::size_t figures = first_score + most_image_metrics;
  struct Cluster {
    std::array<double, figures> difference{};  // summed over its points
    std::array<std::int64_t, figures> pairs{};
  };
  struct Sum {
    double a = 0, b = 0;
  };
  PairedMean mean(std::size_t figure) const;

  std::vector<std::string> score_keys_;
  std::vector<Cluster>
      clusters_;  // in the order the images came first, so that sums do not depend on the map
  std::unordered_map<std::uint32_t, std::size_t> place_;
  std::array<Sum, figures> sums_{};
  Comparison counts_;
  bool repeats_ = false;
};

/// Rows of a and b that are compared with each other.
struct MatchedPoint {
  std::size_t a = 0, b = 0;
};
/// Which points belong together. With `a` and `b` given those two; with one of them given, it and
/// every point of the other folder but itself. Else points at which every key that either folder
/// swept has one value in both; where each folder has one point, those two. Throws Error where a
/// point is not there, where nothing belongs together, or where a folder has two points of the same
/// swept values.
std::vector<MatchedPoint> match_points(const RecordedFolder& a, const RecordedFolder& b,
                                       std::optional<std::size_t> index_a,
                                       std::optional<std::size_t> index_b);

/// Keys of the scores that both folders' rows may hold; scores of records stand in this order.
std::vector<std::string> common_score_keys(const RecordedFolder& a, const RecordedFolder& b);

/// One matched point, its common images (of a timeline: those sent in both, known by link, arrival
/// and image); `all` gets them too. Throws Error where the images are not the same data (dataset,
/// split or a label differs, or the sum of all images), where none is common, and for records that
/// cannot be read.
struct PointComparison {
  Comparison both;
  std::int64_t only_a = 0, only_b = 0;  // images that the other folder does not have
  bool timeline = false;                // intervals are over links then, not over images
};
PointComparison compare_point(const RecordedFolder& a, const RecordedFolder& b, MatchedPoint match,
                              PairedTotals& all);

/// The comparison as docs/compare.md describes it.
OrderedJson comparison_json(const Comparison& comparison);

}  // namespace semwave
