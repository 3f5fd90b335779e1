// Two result folders image by image, as rows: `semwave compare`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config/ordered_json.h"
#include "experiment/results/compare.h"

namespace semwave {

/// JSON pointer -> the value that a point must have there to take part; files absolute.
using WantedValues = std::vector<std::pair<std::string, Json>>;
/// A file in a value that a user gives is meant from the working directory.
Json wanted_value(const std::string& pointer, const Json& value);
bool has_values(const RecordedFolder& folder, std::size_t row, const WantedValues& wanted);

struct FolderComparison {
  std::vector<MatchedPoint> matches;
  std::vector<std::string> swept;       // JSON pointers that either folder swept
  std::vector<OrderedJson> rows;        // one a match, as docs/compare.md describes it
  OrderedJson together;                 // all matches
  std::int64_t only_a = 0, only_b = 0;  // images that the other folder does not have
  bool over_links = false;              // intervals are over links, not over images
};

/// Points are matched as match_points() does. Throws Error as that and compare_point() do, and
/// where no matched point has the wanted values.
FolderComparison compare_folders(const RecordedFolder& a, const RecordedFolder& b,
                                 std::optional<std::size_t> index_a,
                                 std::optional<std::size_t> index_b, const WantedValues& wanted);

}  // namespace semwave
