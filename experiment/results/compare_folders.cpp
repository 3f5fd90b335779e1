#include "experiment/results/compare_folders.h"

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "experiment/scenario/scenario.h"

namespace semwave {
namespace {

/// What was swept at one matched point, as both see it: where one did not sweep a key, what its
/// scenario says.
OrderedJson values_of(const RecordedFolder& folder, std::size_t row,
                      const std::vector<std::string>& pointers) {
  OrderedJson made = OrderedJson::object();
  for (const std::string& pointer : pointers)
    made[pointer] = OrderedJson(folder.value_at(row, pointer));
  return made;
}

std::vector<std::string> swept_by_either(const RecordedFolder& a, const RecordedFolder& b,
                                         const std::vector<MatchedPoint>& matches) {
  std::vector<std::string> pointers;
  const auto add = [&](const OrderedJson& point) {
    for (const auto& [pointer, value] : point.items())
      if (std::find(pointers.begin(), pointers.end(), pointer) == pointers.end())
        pointers.push_back(pointer);
  };
  for (const MatchedPoint& match : matches)
    add(a.rows()[match.a]["point"]), add(b.rows()[match.b]["point"]);
  return pointers;
}

}  // namespace

Json wanted_value(const std::string& pointer, const Json& value) {
  return swept_value(pointer, value, [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
  });
}

bool has_values(const RecordedFolder& folder, std::size_t row, const WantedValues& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& one) {
    return folder.value_at(row, one.first) == one.second;
  });
}

FolderComparison compare_folders(const RecordedFolder& a, const RecordedFolder& b,
                                 std::optional<std::size_t> index_a,
                                 std::optional<std::size_t> index_b, const WantedValues& wanted) {
  FolderComparison made;
  made.matches = match_points(a, b, index_a, index_b);
  std::erase_if(made.matches, [&](const MatchedPoint& match) {
    return !has_values(a, match.a, wanted) || !has_values(b, match.b, wanted);
  });
  if (made.matches.empty()) throw Error("--point", "no matched point has these values");
  made.swept = swept_by_either(a, b, made.matches);
  PairedTotals all(common_score_keys(a, b));
  for (const MatchedPoint& match : made.matches) {
    const PointComparison point = compare_point(a, b, match, all);
    OrderedJson row{{"a", {{"row", match.a}, {"point", values_of(a, match.a, made.swept)}}},
                    {"b", {{"row", match.b}, {"point", values_of(b, match.b, made.swept)}}}};
    row.update(comparison_json(point.both));
    row["only_a"] = point.only_a;
    row["only_b"] = point.only_b;
    made.over_links = made.over_links || point.timeline;
    made.only_a += point.only_a;
    made.only_b += point.only_b;
    made.rows.push_back(std::move(row));
  }
  made.together = OrderedJson{{"points", made.matches.size()}};
  made.together.update(comparison_json(all.result()));
  return made;
}

}  // namespace semwave
