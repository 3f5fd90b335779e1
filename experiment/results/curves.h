// Rate-quality curves of result folders: the points of a folder as one curve, and two folders'
// curves against each other.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiment/results/bjontegaard.h"
#include "experiment/results/recorded_folder.h"

namespace semwave {

/// Two curves with their intervals over images.
struct CurveComparison {
  Json at;  // JSON pointer -> value: what both curves share
  std::vector<std::size_t> rows_a, rows_b;
  int images = 0;  // that every point of both has
  Bjontegaard both;
  /// 95 % intervals: percentiles over `resamples` draws of the images with replacement, each
  /// giving both curves anew. `left_out` of the draws had a curve that does not rise.
  std::pair<double, double> rate_percent, quality;
  int resamples = 0, left_out = 0;
};

/// One curve of each folder for each condition, which is what was swept below `/channel`, `/source`
/// and `/seed`; whatever else was swept runs along the curve. `key`: of a score of the rebuilt
/// image
/// ("psnr_db"), or "accuracy". `wanted` says which points of a folder take part. Throws Error where
/// no condition is met by both folders, where a point has no records or is a timeline, where the
/// points of a curve have no image in common, and where they are no curve or share no range.
std::vector<CurveComparison> compare_curves(
    const RecordedFolder& a, const RecordedFolder& b, const std::string& key,
    const std::function<bool(const RecordedFolder&, std::size_t row)>& wanted);

/// As docs/compare.md describes it.
OrderedJson curves_json(const CurveComparison& comparison, const std::string& key);

}  // namespace semwave
