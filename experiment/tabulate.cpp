#include "experiment/tabulate.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <tuple>

#include "core/error.h"
#include "core/json.h"

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

std::ifstream open(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(path, "cannot be read; expected the folder of a run with output.records");
  return file;
}

/// Every line as JSON; a torn last line of a killed run is left out.
template <typename Use>
void each_line(const std::string& path, const Use& use) {
  std::ifstream file = open(path);
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    Json value = Json::parse(line, nullptr, false);
    if (value.is_discarded() && file.peek() == std::ifstream::traits_type::eof()) return;
    const std::string place = path + ":" + std::to_string(number);
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
    for (std::size_t i = 1; i < distinct.size(); ++i) edges.push_back((distinct[i - 1] + distinct[i]) / 2);
    return edges;
  }
  for (int b = 1; b < bins; ++b) {
    const double edge = values[values.size() * static_cast<std::size_t>(b) / static_cast<std::size_t>(bins)];
    if (edges.empty() || edge > edges.back() + 1e-3) edges.push_back(edge);
  }
  return edges;
}

/// Nothing is lost with `plan`: `other` costs no more and is worth no less in every bin.
bool beaten(const MeasuredPlan& plan, const MeasuredPlan& other) {
  if (other.operations > plan.operations) return false;
  for (std::size_t b = 0; b < plan.uses.size(); ++b)
    if (other.uses[b] > plan.uses[b] || other.accuracy[b] < plan.accuracy[b] || (!plan.psnr_db.empty() && other.psnr_db[b] < plan.psnr_db[b])) return false;
  return true;
}

}  // namespace

std::vector<double> isotonic(const std::vector<double>& values, const std::vector<double>& weights) {
  struct Block {
    double sum, weight;
    std::size_t count;
  };
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < values.size(); ++i) {
    blocks.push_back({values[i] * weights[i], weights[i], 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].sum * blocks.back().weight >= blocks.back().sum * blocks[blocks.size() - 2].weight) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back() = {blocks.back().sum + last.sum, blocks.back().weight + last.weight, blocks.back().count + last.count};
    }
  }
  std::vector<double> made;
  for (const Block& block : blocks) made.insert(made.end(), block.count, block.sum / block.weight);
  return made;
}

Tabulated tabulate(const std::string& folder, int bins, const std::string& command) {
  const Json scenario = read_json(folder + "/scenario.json");
  const auto at = [&](const char* pointer) { return scenario.value(Json::json_pointer(pointer), std::string()); };
  if (at("/source/split") != "validation")
    throw Error(folder + "/scenario.json: /source/split", "a table is made on the validation split, never on what it is then scored on; found '" + at("/source/split") + "'");
  if (at("/transmitter/exit/kind") != "fixed") throw Error(folder + "/scenario.json: /transmitter/exit", "a table of plans needs the exit 'fixed'");

  std::map<std::string, double> operations;  // of a point
  std::string model;
  each_line(folder + "/results.jsonl", [&](const Json& row) {
    const std::string sha = row.at("model_sha256");
    if (!model.empty() && sha != model) throw Error(folder + "/results.jsonl", "holds rows of several models; run into a folder of its own");
    model = sha;
    operations[row.at("point_sha256")] = row.at("flops").at("transmitter");
  });

  std::map<PlanKey, Measured> measured;
  std::vector<double> snr_db;
  bool rebuilt = true;
  each_line(folder + "/records.jsonl", [&](const Json& record) {
    const auto point = operations.find(record.at("point_sha256"));
    if (point == operations.end()) return;  // of a point whose row was not written
    const Json& plan = record.at("plan");
    Measured& entry = measured[{plan.at("keep"), plan.at("depth"), plan.at("symbols_per_token")}];
    const double snr = record.at("believed_snr_db");
    const bool image = record.contains("psnr_db");
    rebuilt = rebuilt && image;
    entry.operations += point->second;
    entry.samples.push_back({snr, record.at("uses").at("total").get<float>(), image ? record.at("psnr_db").get<float>() : 0, record.at("decision") == record.at("label")});
    snr_db.push_back(snr);
  });
  if (measured.empty()) throw Error(folder + "/records.jsonl", "holds no record; run with --set /output/records=true");

  Tabulated made;
  made.records = static_cast<std::int64_t>(snr_db.size());
  made.plans_measured = measured.size();
  std::tie(made.from_db, made.to_db) = std::pair{*std::min_element(snr_db.begin(), snr_db.end()), *std::max_element(snr_db.begin(), snr_db.end())};
  PlanTable& table = made.table;
  table.edges_db = bin_edges(snr_db, bins);
  table.share.assign(table.edges_db.size() + 1, 0);
  for (const double snr : snr_db) table.share[static_cast<std::size_t>(table.bin(snr))] += 1.0 / static_cast<double>(snr_db.size());
  const std::size_t count = table.share.size();

  for (const auto& [key, entry] : measured) {
    MeasuredPlan plan{.plan = {std::get<0>(key), std::get<1>(key), std::get<2>(key)}, .operations = entry.operations / static_cast<double>(entry.samples.size()), .uses = {}, .accuracy = {}, .psnr_db = {}};
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
        throw Error(folder, "the plan keep " + Json(plan.plan.keep_ratio).dump() + ", depth " + std::to_string(plan.plan.exit_depth) + " was not run at all SNRs: run all plans of the sweep, or ask for fewer bins");
      uses[b] /= weight[b];
      correct[b] /= weight[b];
      psnr_db[b] /= weight[b];
    }
    plan.uses = uses;
    plan.accuracy = isotonic(correct, weight);
    if (rebuilt) plan.psnr_db = isotonic(psnr_db, weight);
    table.plans.push_back(std::move(plan));
  }
  std::vector<MeasuredPlan> kept;
  for (std::size_t p = 0; p < table.plans.size(); ++p) {
    bool drop = false;
    for (std::size_t q = 0; q < table.plans.size() && !drop; ++q)
      drop = p != q && beaten(table.plans[p], table.plans[q]) && (q < p || !beaten(table.plans[q], table.plans[p]));  // of equals the first stays
    if (!drop) kept.push_back(table.plans[p]);
  }
  table.plans = std::move(kept);
  table.model_sha256 = model;
  table.made_by = command + "; " + at("/name") + ", " + std::to_string(made.records) + " records of " + at("/source/dataset") + " validation images";
  return made;
}

}  // namespace semwave
