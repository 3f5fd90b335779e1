#include "experiment/results/compare.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

#include "core/base/error.h"
#include "experiment/metric/statistics.h"

namespace semwave {
namespace {

constexpr std::int64_t largest_exact = 1000;  // discordant pairs

double chi_square_p(double statistic) {
  return std::erfc(std::sqrt(statistic / 2));
}

/// Dataset and split must agree; with as many images asked for of each, so must the sum of them
/// all.
void check_same_data(const RecordedFolder& a, const RecordedFolder& b, MatchedPoint match) {
  for (const char* key : {"/source/dataset", "/source/split"}) {
    const Json of_a = a.value_at(match.a, key), of_b = b.value_at(match.b, key);
    if (!of_a.is_null() && !of_b.is_null() && of_a != of_b)
      throw Error(b.path(), std::string("other images than in ") + a.path() + ": " + key + " is " +
                                of_b.dump() + " here and " + of_a.dump() + " there");
  }
  const OrderedJson &row_a = a.rows()[match.a], &row_b = b.rows()[match.b];
  const bool same_count =
      a.value_at(match.a, "/source/count") == b.value_at(match.b, "/source/count");
  if (same_count && row_a.contains("data_sha256") && row_b.contains("data_sha256") &&
      row_a["data_sha256"] != row_b["data_sha256"])
    throw Error(b.path(), "other images than in " + a.path() + ": their SHA-256 differs");
}

std::string points_of(const RecordedFolder& folder) {
  std::string text;
  const std::size_t shown = std::min<std::size_t>(folder.grid(), 4);
  for (std::size_t i = 0; i < shown; ++i) text += (i > 0 ? "; " : "") + folder.label(i);
  return text +
         (folder.grid() > shown ? "; and " + std::to_string(folder.grid() - shown) + " more" : "");
}

std::size_t checked(const RecordedFolder& folder, std::size_t index, const char* option) {
  if (index >= folder.rows().size())
    throw Error(std::string(option) + " " + std::to_string(index),
                folder.path() + " has " + std::to_string(folder.rows().size()) +
                    (folder.rows().size() == 1 ? " point" : " points") + ", counted from 0");
  return index;
}

}  // namespace

double mcnemar_p(std::int64_t a_only, std::int64_t b_only) {
  const std::int64_t n = a_only + b_only, few = std::min(a_only, b_only);
  if (n == 0) return 1;
  if (n > largest_exact) {
    const double away = std::max(0.0, static_cast<double>(n - 2 * few) - 1);
    return chi_square_p(away * away / static_cast<double>(n));
  }
  // 2 P(X <= few), X binomial(n, 1/2): terms relative to the largest, so that nothing underflows
  // before it counts.
  const auto log_term = [n](std::int64_t i) {
    return std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(i + 1)) -
           std::lgamma(static_cast<double>(n - i + 1));
  };
  const double largest = log_term(few);
  double sum = 0;
  for (std::int64_t i = 0; i <= few; ++i) sum += std::exp(log_term(i) - largest);
  return std::min(1.0,
                  std::exp(largest + std::log(2 * sum) - static_cast<double>(n) * std::log(2.0)));
}

PairedTotals::PairedTotals(std::vector<std::string> score_keys)
    : score_keys_(std::move(score_keys)) {
  if (score_keys_.size() > most_image_metrics) score_keys_.resize(most_image_metrics);
}

void PairedTotals::add(const ImageRecord& a, const ImageRecord& b, bool decides) {
  const auto [found, fresh] = place_.try_emplace(a.timeline ? a.link : a.image, clusters_.size());
  if (fresh)
    clusters_.emplace_back();
  else
    repeats_ = true;
  Cluster& cluster = clusters_[found->second];
  const auto pair = [&](std::size_t figure, double of_a, double of_b) {
    if (std::isnan(of_a) || std::isnan(of_b)) return;
    cluster.difference[figure] += of_b - of_a;
    ++cluster.pairs[figure];
    sums_[figure].a += of_a;
    sums_[figure].b += of_b;
  };
  if (decides) {
    pair(accuracy, a.right(), b.right());
    counts_.mcnemar.a_only += a.right() && !b.right();
    counts_.mcnemar.b_only += b.right() && !a.right();
  }
  for (std::size_t s = 0; s < score_keys_.size(); ++s)
    pair(first_score + s, a.scores[s], b.scores[s]);
  pair(uses, static_cast<double>(a.uses.total()), static_cast<double>(b.uses.total()));
  ++counts_.pairs;
  counts_.losses_a += a.header_lost;
  counts_.losses_b += b.header_lost;
}

PairedMean PairedTotals::mean(std::size_t figure) const {
  double difference = 0, squares = 0;
  std::int64_t pairs = 0, clusters = 0;
  for (const Cluster& cluster : clusters_) {
    difference += cluster.difference[figure];
    pairs += cluster.pairs[figure];
    clusters += cluster.pairs[figure] > 0;
  }
  if (pairs == 0) return {};
  const double n = static_cast<double>(pairs), c = static_cast<double>(clusters);
  const double mean = difference / n;
  for (const Cluster& cluster : clusters_) {
    const double away =
        cluster.difference[figure] - mean * static_cast<double>(cluster.pairs[figure]);
    squares += away * away;
  }
  return {.pairs = pairs,
          .a = sums_[figure].a / n,
          .b = sums_[figure].b / n,
          .difference = mean,
          .halfwidth = clusters < 2 ? std::numeric_limits<double>::infinity()
                                    : student95(static_cast<int>(clusters) - 1) *
                                          std::sqrt(squares * c / (c - 1)) / n};
}

Comparison PairedTotals::result() const {
  Comparison made = counts_;
  made.accuracy = mean(accuracy);
  for (std::size_t s = 0; s < score_keys_.size(); ++s)
    made.scores.emplace_back(score_keys_[s], mean(first_score + s));
  made.uses = mean(uses);
  if (!repeats_) {
    made.mcnemar.p = mcnemar_p(made.mcnemar.a_only, made.mcnemar.b_only);
    return made;
  }
  double squares = 0;
  for (const Cluster& cluster : clusters_)
    squares += cluster.difference[accuracy] * cluster.difference[accuracy];
  const auto away = static_cast<double>(made.mcnemar.b_only - made.mcnemar.a_only);
  made.mcnemar.p = squares > 0 ? chi_square_p(away * away / squares) : 1;
  return made;
}

std::vector<MatchedPoint> match_points(const RecordedFolder& a, const RecordedFolder& b,
                                       std::optional<std::size_t> index_a,
                                       std::optional<std::size_t> index_b) {
  std::error_code none;
  const bool one_folder = std::filesystem::equivalent(a.path(), b.path(), none);
  std::vector<MatchedPoint> made;
  if (index_a && index_b) return {{checked(a, *index_a, "--a"), checked(b, *index_b, "--b")}};
  if (index_a || index_b) {
    if (index_a) checked(a, *index_a, "--a");
    if (index_b) checked(b, *index_b, "--b");
    for (std::size_t other = 0; other < (index_a ? b : a).grid(); ++other) {
      const MatchedPoint pair{index_a.value_or(other), index_b.value_or(other)};
      if (!one_folder || pair.a != pair.b) made.push_back(pair);
    }
    if (made.empty()) throw Error((index_a ? b : a).path(), "has no other point to compare with");
    return made;
  }
  if (one_folder)
    throw Error(a.path(),
                "is compared with itself: choose points with --a and --b, counted from 0 in the "
                "order of results.jsonl");
  if (a.grid() == 1 && b.grid() == 1) return {{0, 0}};

  std::vector<std::string> pointers = a.swept();
  for (const std::string& pointer : b.swept())
    if (std::find(pointers.begin(), pointers.end(), pointer) == pointers.end())
      pointers.push_back(pointer);
  const auto point_of = [&](const RecordedFolder& folder, std::size_t row) {
    Json values = Json::array();
    for (const std::string& pointer : pointers) values.push_back(folder.value_at(row, pointer));
    return canonical(values);
  };
  const auto places = [&](const RecordedFolder& folder) {
    std::unordered_map<std::string, std::size_t> found;
    for (std::size_t row = 0; row < folder.grid(); ++row)
      if (const auto [known, fresh] = found.try_emplace(point_of(folder, row), row); !fresh)
        throw Error(folder.path(), "points " + std::to_string(known->second) + " and " +
                                       std::to_string(row) +
                                       " have the same swept values: choose with --a and --b");
    return found;
  };
  const auto of_a = places(a), of_b = places(b);
  for (std::size_t row = 0; row < a.grid(); ++row)
    if (const auto found = of_b.find(point_of(a, row)); found != of_b.end())
      made.push_back({row, found->second});
  if (made.empty())
    throw Error(b.path(), "has no point whose swept values are those of a point of " + a.path() +
                              " (there: " + points_of(a) + "; here: " + points_of(b) +
                              "); choose points with --a and --b");
  return made;
}

namespace {

/// Brings the records of two readers together; `both` gets each common pair.
class Join {
 public:
  Join(RecordReader& a, RecordReader& b,
       std::function<void(const ImageRecord&, const ImageRecord&)> both)
      : a_(a), b_(b), both_(std::move(both)) {}

  void run(PointComparison& made) {
    std::optional<ImageRecord> of_a = a_.next(), of_b = b_.next();
    if (of_a && of_b && of_a->timeline != of_b->timeline)
      throw Error(
          b_.place(),
          "a timeline and a run without one send their images differently: they are not compared");
    if (of_a && of_b && of_a->timeline)
      by_arrival(of_a, of_b, made);
    else
      in_order(of_a, of_b, made);
  }

 private:
  /// Both ascend in their images: nothing is kept.
  void in_order(std::optional<ImageRecord>& of_a, std::optional<ImageRecord>& of_b,
                PointComparison& made) {
    while (of_a || of_b) {
      if (!of_b || (of_a && of_a->image < of_b->image)) {
        ++made.only_a;
        of_a = a_.next();
      } else if (!of_a || of_b->image < of_a->image) {
        ++made.only_b;
        of_b = b_.next();
      } else {
        pair(*of_a, *of_b);
        of_a = a_.next();
        of_b = b_.next();
      }
    }
  }
  /// Queues may have put the images of a timeline into another order: those of a are kept until b
  /// comes to them.
  void by_arrival(std::optional<ImageRecord>& of_a, std::optional<ImageRecord>& of_b,
                  PointComparison& made) {
    const auto arrival = [](const ImageRecord& r) {
      return std::tuple(r.link, r.arrived, r.image);
    };
    made.timeline = true;
    // One image may come to a link several times in a slot: the first is the first of both.
    std::multimap<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, ImageRecord> waiting;
    for (; of_a; of_a = a_.next()) waiting.emplace(arrival(*of_a), *of_a);
    for (; of_b; of_b = b_.next()) {
      const auto found = waiting.lower_bound(arrival(*of_b));
      if (found == waiting.end() || found->first != arrival(*of_b)) {
        ++made.only_b;
        continue;
      }
      pair(found->second, *of_b);
      waiting.erase(found);
    }
    made.only_a = static_cast<std::int64_t>(waiting.size());
  }
  void pair(const ImageRecord& of_a, const ImageRecord& of_b) const {
    if (of_a.label != of_b.label)
      throw Error(b_.place(), "image " + std::to_string(of_b.image) + " is of class " +
                                  std::to_string(of_b.label) + " here and of class " +
                                  std::to_string(of_a.label) + " in " + a_.place() +
                                  ": not the same images");
    both_(of_a, of_b);
  }

  RecordReader &a_, &b_;
  std::function<void(const ImageRecord&, const ImageRecord&)> both_;
};

}  // namespace

std::vector<std::string> common_score_keys(const RecordedFolder& a, const RecordedFolder& b) {
  std::vector<std::string> keys;
  for (const auto& [name, summary] : metrics().list()) {
    const auto metric = metrics().make({{"kind", name}}, {});
    if (metric->needs() == Metric::Needs::image && a.measures(name) && b.measures(name))
      keys.push_back(metric->key());
  }
  return keys;
}

PointComparison compare_point(const RecordedFolder& a, const RecordedFolder& b, MatchedPoint match,
                              PairedTotals& all) {
  check_same_data(a, b, match);
  const std::vector<std::string> score_keys = common_score_keys(a, b);
  RecordReader reader_a(a.records_file(), a.records_of(match.a), score_keys),
      reader_b(b.records_file(), b.records_of(match.b), score_keys);
  PointComparison made;
  PairedTotals totals(score_keys);
  const bool decides =
      a.rows()[match.a].contains("accuracy") && b.rows()[match.b].contains("accuracy");
  Join(reader_a, reader_b, [&](const ImageRecord& of_a, const ImageRecord& of_b) {
    totals.add(of_a, of_b, decides);
    all.add(of_a, of_b, decides);
  }).run(made);
  made.both = totals.result();
  if (made.both.pairs == 0)
    throw Error(b.path(), "has no image in common with " + a.path() + " at " + b.label(match.b));
  return made;
}

OrderedJson comparison_json(const Comparison& comparison) {
  const auto figure = [](const PairedMean& mean) {
    OrderedJson shown{{"a", mean.a},
                      {"b", mean.b},
                      {"difference", mean.difference},
                      {"ci95", nullptr}};  // one image, or one link, has no interval
    if (std::isfinite(mean.halfwidth))
      shown["ci95"] = {mean.difference - mean.halfwidth, mean.difference + mean.halfwidth};
    return shown;
  };
  OrderedJson made;
  made["pairs"] = comparison.pairs;
  const auto measured = [&](const char* key, const PairedMean& mean) {
    if (mean.pairs == 0) return;
    made[key] = figure(mean);
    if (mean.pairs != comparison.pairs) made[key]["pairs"] = mean.pairs;
  };
  measured("accuracy", comparison.accuracy);
  if (comparison.accuracy.pairs > 0)
    made["mcnemar"] = {{"a_only", comparison.mcnemar.a_only},
                       {"b_only", comparison.mcnemar.b_only},
                       {"p", comparison.mcnemar.p}};
  for (const auto& [key, score] : comparison.scores) measured(key.c_str(), score);
  made["channel_uses"] = figure(comparison.uses);
  made["header_losses"] = {{"a", comparison.losses_a}, {"b", comparison.losses_b}};
  return made;
}

}  // namespace semwave
