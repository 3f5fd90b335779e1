#include "experiment/results/curves.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "core/base/error.h"
#include "core/random/random.h"
#include "experiment/metric/metric.h"

namespace semwave {
namespace {

constexpr int draws_of_images = 1000;

/// What one image cost and reached at a point.
struct Sample {
  double uses = 0, quality = 0;
};
using Samples = std::unordered_map<std::uint32_t, Sample>;  // by image

bool is_condition(const std::string& pointer) {
  for (const std::string part : {"/channel", "/source", "/seed"})
    if (pointer == part || is_below(pointer, part)) return true;
  return false;
}

std::vector<std::string> conditions_of(const RecordedFolder& a, const RecordedFolder& b) {
  std::vector<std::string> made;
  for (const RecordedFolder* folder : {&a, &b})
    for (const std::string& pointer : folder->swept())
      if (is_condition(pointer) && std::find(made.begin(), made.end(), pointer) == made.end())
        made.push_back(pointer);
  return made;
}

Samples read_samples(const RecordedFolder& folder, std::size_t row, const std::string& key) {
  const bool is_score = key != "accuracy";
  RecordReader reader(folder.records_file(), folder.records_of(row),
                      is_score ? std::vector{key} : std::vector<std::string>{});
  Samples made;
  while (const std::optional<ImageRecord> record = reader.next()) {
    if (record->timeline)
      throw Error(reader.place(), "is of a timeline, whose images make no curve");
    const double quality = is_score ? record->scores[0] : record->right();
    if (!std::isnan(quality))
      made[record->image] = {static_cast<double>(record->uses.total()), quality};
  }
  return made;
}

/// The points of a curve over the images of a draw, each as often as it was drawn.
class Curve {
 public:
  Curve(const RecordedFolder& folder, const std::vector<std::size_t>& rows,
        const std::string& key) {
    for (const std::size_t row : rows) points_.push_back(read_samples(folder, row, key));
  }
  bool has(std::uint32_t image) const {
    return std::all_of(points_.begin(), points_.end(),
                       [&](const Samples& point) { return point.contains(image); });
  }
  const Samples& first() const { return points_.front(); }

  /// From here on only these images, in this order.
  void keep(const std::vector<std::uint32_t>& images) {
    for (const Samples& point : points_) {
      kept_.emplace_back();
      for (const std::uint32_t image : images) kept_.back().push_back(point.at(image));
    }
    points_.clear();
  }
  std::vector<CurvePoint> over(const std::vector<std::size_t>& draw) const {
    std::vector<CurvePoint> made;
    const auto count = static_cast<double>(draw.size());
    for (const std::vector<Sample>& point : kept_) {
      Sample sum;
      for (const std::size_t i : draw) sum.uses += point[i].uses, sum.quality += point[i].quality;
      made.push_back({sum.uses / count, sum.quality / count});
    }
    return made;
  }

 private:
  std::vector<Samples> points_;
  std::vector<std::vector<Sample>> kept_;  // [points][images]
};

/// The middle 95 % of some values.
std::pair<double, double> middle95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(std::lround(share * double(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

/// Both curves over all images and over draws of them; rows and condition are set.
void compare(const RecordedFolder& a, const RecordedFolder& b, const std::string& key,
             CurveComparison& made) {
  Curve curve_a(a, made.rows_a, key), curve_b(b, made.rows_b, key);
  std::vector<std::uint32_t> images;
  for (const auto& [image, sample] : curve_a.first())
    if (curve_a.has(image) && curve_b.has(image)) images.push_back(image);
  std::sort(images.begin(), images.end());
  if (images.empty())
    throw Error(b.path(), "has no image with " + key + " in common with " + a.path());
  made.images = static_cast<int>(images.size());
  curve_a.keep(images);
  curve_b.keep(images);

  std::vector<std::size_t> draw(images.size());
  for (std::size_t i = 0; i < draw.size(); ++i) draw[i] = i;
  for (const auto& [folder, curve] : {std::pair{&a, &curve_a}, std::pair{&b, &curve_b}})
    if (const std::string fault = fault_of_curve(curve->over(draw)); !fault.empty())
      throw Error(folder->path(), fault + " (" + key + ", at " + made.at.dump() + ")");
  const std::optional<Bjontegaard> both = bjontegaard(curve_a.over(draw), curve_b.over(draw));
  if (!both)
    throw Error(b.path(), "shares no range of uses and " + key + " with " + a.path() + " at " +
                              made.at.dump());
  made.both = *both;

  std::vector<double> rates, qualities;
  for (int d = 0; d < draws_of_images; ++d) {
    for (std::size_t i = 0; i < draw.size(); ++i) {
      const RandomWords words = philox(0, Purpose::resampling, static_cast<std::uint32_t>(i),
                                       static_cast<std::uint32_t>(d), 0);
      draw[i] = std::min(images.size() - 1,
                         static_cast<std::size_t>(uniform(words[0]) * double(images.size())));
    }
    const auto one = bjontegaard(curve_a.over(draw), curve_b.over(draw));
    if (!one) {
      ++made.left_out;
      continue;
    }
    rates.push_back(one->rate_percent);
    qualities.push_back(one->quality);
  }
  made.resamples = static_cast<int>(rates.size());
  if (rates.empty()) return;
  made.rate_percent = middle95(std::move(rates));
  made.quality = middle95(std::move(qualities));
}

}  // namespace

std::vector<CurveComparison> compare_curves(
    const RecordedFolder& a, const RecordedFolder& b, const std::string& key,
    const std::function<bool(const RecordedFolder&, std::size_t row)>& wanted) {
  const std::vector<std::string> conditions = conditions_of(a, b);
  std::vector<CurveComparison> made;
  std::map<std::string, std::size_t> place;  // of a condition in `made`
  const auto collect = [&](const RecordedFolder& folder,
                           std::vector<std::size_t> CurveComparison::*rows) {
    for (std::size_t row = 0; row < folder.grid(); ++row) {
      if (!wanted(folder, row)) continue;
      Json at = Json::object();
      for (const std::string& pointer : conditions) at[pointer] = folder.value_at(row, pointer);
      const auto [found, fresh] = place.try_emplace(canonical(at), made.size());
      if (fresh) made.emplace_back().at = at;
      (made[found->second].*rows).push_back(row);
    }
  };
  collect(a, &CurveComparison::rows_a);
  collect(b, &CurveComparison::rows_b);
  std::erase_if(made,
                [](const CurveComparison& c) { return c.rows_a.empty() || c.rows_b.empty(); });
  if (made.empty())
    throw Error(b.path(), "has no point under the conditions of a point of " + a.path());
  for (CurveComparison& one : made) compare(a, b, key, one);
  return made;
}

OrderedJson curves_json(const CurveComparison& c, const std::string& key) {
  const auto figure = [&](double value, const std::pair<double, double>& interval) {
    OrderedJson shown{{"value", value}, {"ci95", nullptr}};
    if (c.images > 1 && c.resamples > 0) shown["ci95"] = {interval.first, interval.second};
    return shown;
  };
  OrderedJson made;
  made["at"] = OrderedJson(c.at);
  made["rows"] = {{"a", c.rows_a}, {"b", c.rows_b}};
  made["images"] = c.images;
  made["bd_rate_percent"] = figure(c.both.rate_percent, c.rate_percent);
  made["bd_" + key] = figure(c.both.quality, c.quality);
  made["range"] = {{key, {c.both.of_quality.first, c.both.of_quality.second}},
                   {"channel_uses", {c.both.of_uses.first, c.both.of_uses.second}}};
  made["resamples"] = {{"used", c.resamples}, {"left_out", c.left_out}};
  return made;
}

}  // namespace semwave
