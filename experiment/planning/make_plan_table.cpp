#include "experiment/planning/make_plan_table.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/base/text.h"
#include "core/config/json.h"
#include "experiment/results/results.h"
#include "experiment/run/model.h"
#include "transmitter/exit/exit_rule.h"
#include "transmitter/policy/policy.h"

namespace semwave {
namespace {

constexpr double most_records = 2e8;

using PlanKey = std::tuple<double, int, int>;  // keep, depth, symbols a token

/// What one image told about one plan.
struct Sample {
  double snr_db;
  float uses, psnr_db;
  bool correct;
};

struct Measured {
  double operations = 0;  // summed over samples
  std::vector<Sample> samples;
};

/// Every line as JSON; a torn last line of a killed run is left out.
template <typename Use>
void each_line(const std::string& path, const Use& use) {
  if (!std::filesystem::exists(path))
    throw Error(path, "cannot be read; expected the folder of a run with output.records");
  LineReader lines(path);
  std::string line;
  for (std::int64_t number = 1; lines.next(line); ++number) {
    const std::string place = path + ":" + std::to_string(number);
    Json value;
    try {
      value = parse_json(line, place);
    } catch (const Error&) {
      if (lines.torn()) return;
      throw;
    }
    if (!value.is_object()) throw Error(place, "not a JSON object");
    if (static_cast<double>(number) > most_records) throw Error(place, "too many lines");
    try {
      use(value);
    } catch (const Json::exception& problem) {
      throw Error(place, std::string("not a line of this version: ") + problem.what());
    }
  }
}

/// Edges between bins of equally many values; between all values where they are few.
std::vector<double> bin_edges(std::vector<double> values, int bins) {
  std::sort(values.begin(), values.end());
  std::vector<double> distinct(values);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<double> edges;
  if (static_cast<int>(distinct.size()) <= bins) {
    for (std::size_t i = 1; i < distinct.size(); ++i)
      edges.push_back((distinct[i - 1] + distinct[i]) / 2);
    return edges;
  }
  for (int b = 1; b < bins; ++b) {
    const double edge =
        values[values.size() * static_cast<std::size_t>(b) / static_cast<std::size_t>(bins)];
    if (edge > (edges.empty() ? values.front() : edges.back()) + 1e-3) edges.push_back(edge);
  }
  return edges;
}

/// Nothing is lost with `plan`: `other` costs no more and is worth no less in every bin.
bool beaten(const MeasuredPlan& plan, const MeasuredPlan& other) {
  if (other.operations > plan.operations) return false;
  for (std::size_t b = 0; b < plan.uses.size(); ++b)
    if (other.uses[b] > plan.uses[b] || other.accuracy[b] < plan.accuracy[b] ||
        (!plan.psnr_db.empty() && other.psnr_db[b] < plan.psnr_db[b]))
      return false;
  return true;
}

}  // namespace

std::vector<double> isotonic(const std::vector<double>& values,
                             const std::vector<double>& weights) {
  struct Pool {
    double sum, weight;
    std::size_t count;
  };
  std::vector<Pool> pools;
  for (std::size_t i = 0; i < values.size(); ++i) {
    pools.push_back({values[i] * weights[i], weights[i], 1});
    while (pools.size() > 1 && pools[pools.size() - 2].sum * pools.back().weight >=
                                   pools.back().sum * pools[pools.size() - 2].weight) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back() = {pools.back().sum + last.sum, pools.back().weight + last.weight,
                      pools.back().count + last.count};
    }
  }
  std::vector<double> made;
  for (const Pool& pool : pools) made.insert(made.end(), pool.count, pool.sum / pool.weight);
  return made;
}

namespace {

/// Throws Error where the scenario of a folder is none that a table can be made of.
void check_scenario(const Scenario& whole, const std::vector<Point>& points) {
  if (whole.source.split != Split::validation)
    throw Error(
        whole.place("/source/split").str(),
        "a table is made on the validation split, never on what it is then scored on; found " +
            whole.resolved["source"]["split"].dump());
  if (exit_looks(whole.exit))
    throw Error(whole.place("/transmitter/exit").str(),
                "a table of plans needs an exit that does not look at the image, such as 'fixed'");
  if (whole.timeline)
    throw Error(whole.place("/timeline").str(),
                "a table is made without a timeline: its images are independent of one another");
  for (const auto& [pointer, values] : whole.sweep)
    if (!pointer.starts_with("/transmitter/policy") && pointer != "/channel/snr_db" &&
        pointer != "/source/repeat")
      throw Error(whole.place("/sweep").str(),
                  "sweeps " + pointer +
                      ": a table is made of plans, SNRs and repeats alone, all else being equal");
  for (const Point& point : points)
    if (!policies()
             .make(point.scenario.policy, point.scenario.place("/transmitter/policy"))
             ->constant())
      throw Error(whole.place("/transmitter/policy").str(),
                  "a table is made of fixed plans, found '" +
                      point.scenario.policy["kind"].get<std::string>() + "'");
}

/// What the rows of a folder say.
struct RowsRead {
  std::map<std::string, double> operations;  // of the transmitter, by point_sha256
  std::string model, data;                   // SHA-256
};

/// A folder may hold rows of other scenarios, which stay there: only those of this one's points
/// count, known by their sums.
RowsRead rows_of(const std::string& folder, const std::vector<Point>& points) {
  RowsRead made;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> known;
  each_line(folder + "/results.jsonl", [&](const Json& row) {
    const std::string sha = row.at("model_sha256"), images = row.at("data_sha256"),
                      own = row.at("point_sha256");
    std::set<std::string>& grid = known[{sha, images}];
    if (grid.empty())
      for (const Point& point : points)
        for (const DeviceKind device : {DeviceKind::cpu, DeviceKind::cuda})
          grid.insert(point_sha256(point.scenario, sha, images, device));
    if (!grid.contains(own)) return;
    if (!made.model.empty() && (sha != made.model || images != made.data))
      throw Error(folder + "/results.jsonl",
                  "holds rows of several models or sets of images; run into a folder of its own");
    made.model = sha;
    made.data = images;
    made.operations[own] = row.at("flops").at("transmitter");
  });
  if (made.operations.size() < points.size())
    throw Error(folder, "holds " + std::to_string(made.operations.size()) + " of the " +
                            std::to_string(points.size()) +
                            " points of its scenario: run it to the end first");
  if (made.model.empty())
    throw Error(folder, "was run with a fresh network; a table needs a checkpoint");
  return made;
}

/// What the records of a folder say of each plan.
struct RecordsRead {
  std::map<PlanKey, Measured> plans;
  std::vector<double> snr_db;  // believed, of each record
  bool rebuilt = true;         // every record has a PSNR
};

RecordsRead records_of(const std::string& folder, const RowsRead& rows) {
  RecordsRead made;
  each_line(folder + "/records.jsonl", [&](const Json& record) {
    const auto point = rows.operations.find(record.at("point_sha256"));
    if (point == rows.operations.end()) return;
    const Json& plan = record.at("plan");
    Measured& entry = made.plans[{plan.at("keep"), plan.at("depth"), plan.at("symbols_per_token")}];
    const double snr = record.at("believed_snr_db");
    const bool image = record.contains("psnr_db");
    made.rebuilt = made.rebuilt && image;
    entry.operations += point->second;
    entry.samples.push_back({snr, record.at("uses").at("total").get<float>(),
                             image ? record.at("psnr_db").get<float>() : 0,
                             record.at("decision") == record.at("label")});
    made.snr_db.push_back(snr);
  });
  if (made.plans.empty())
    throw Error(folder + "/records.jsonl", "holds no record; run with --set /output/records=true");
  return made;
}

/// One plan of the table: means over the records of each bin of SNR.
MeasuredPlan measured_plan(const PlanKey& key, const Measured& entry, const PlanTable& table,
                           bool rebuilt, const std::string& folder) {
  MeasuredPlan plan{.plan = {std::get<0>(key), std::get<1>(key), std::get<2>(key)},
                    .operations = entry.operations / static_cast<double>(entry.samples.size()),
                    .uses = {},
                    .accuracy = {},
                    .psnr_db = {}};
  const std::size_t count = table.share.size();
  std::vector<double> weight(count), uses(count), correct(count), psnr_db(count);
  for (const Sample& sample : entry.samples) {
    const auto b = static_cast<std::size_t>(table.bin(sample.snr_db));
    weight[b] += 1;
    uses[b] += sample.uses;
    correct[b] += sample.correct;
    psnr_db[b] += sample.psnr_db;
  }
  for (std::size_t b = 0; b < count; ++b) {
    if (weight[b] == 0)
      throw Error(
          folder,
          "the plan keep " + Json(plan.plan.keep_ratio).dump() + ", depth " +
              std::to_string(plan.plan.exit_depth) +
              " was not run at all SNRs: run all plans of the sweep, or ask for fewer bins");
    uses[b] /= weight[b];
    correct[b] /= weight[b];
    psnr_db[b] /= weight[b];
  }
  plan.uses = uses;
  plan.accuracy = isotonic(correct, weight);
  if (rebuilt) plan.psnr_db = isotonic(psnr_db, weight);
  return plan;
}

/// Without the plans that another one beats; of equals the first stays.
std::vector<MeasuredPlan> unbeaten(const std::vector<MeasuredPlan>& plans) {
  std::vector<MeasuredPlan> kept;
  for (std::size_t p = 0; p < plans.size(); ++p) {
    bool drop = false;
    for (std::size_t q = 0; q < plans.size() && !drop; ++q)
      drop = p != q && beaten(plans[p], plans[q]) && (q < p || !beaten(plans[q], plans[p]));
    if (!drop) kept.push_back(plans[p]);
  }
  return kept;
}

}  // namespace

MadePlanTable make_plan_table(const std::string& folder, int bins) {
  const Scenario whole = read_scenario(folder + "/scenario.json");
  const std::vector<Point> points = expand(whole);
  check_scenario(whole, points);
  const RowsRead rows = rows_of(folder, points);
  const RecordsRead records = records_of(folder, rows);

  MadePlanTable made;
  made.records = static_cast<std::int64_t>(records.snr_db.size());
  made.plans_measured = records.plans.size();
  const auto [lowest, highest] = std::minmax_element(records.snr_db.begin(), records.snr_db.end());
  made.from_db = *lowest;
  made.to_db = *highest;
  PlanTable& table = made.table;
  table.edges_db = bin_edges(records.snr_db, bins);
  table.share.assign(table.edges_db.size() + 1, 0);
  for (const double snr : records.snr_db)
    table.share[static_cast<std::size_t>(table.bin(snr))] +=
        1.0 / static_cast<double>(records.snr_db.size());
  for (const auto& [key, entry] : records.plans)
    table.plans.push_back(measured_plan(key, entry, table, records.rebuilt, folder));
  table.plans = unbeaten(table.plans);
  table.model_sha256 = rows.model;
  table.network = policy_network(whole);

  // A table travels: of the folder it keeps the name, not where it lay.
  const std::string name =
      printable((std::filesystem::path(folder) / "").parent_path().filename().string());
  table.made_by = "semwave table " + name + " --bins " + std::to_string(bins) + "; " + whole.name +
                  ", " + std::to_string(made.records) + " records of validation images of " +
                  whole.source.name + " over " + whole.resolved["channel"].dump();
  return made;
}

}  // namespace semwave
