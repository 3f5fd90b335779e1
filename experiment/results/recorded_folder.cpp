#include "experiment/results/recorded_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/config/ordered_json.h"
#include "experiment/metric/metric.h"
#include "experiment/results/text_table.h"

namespace semwave {
namespace {

constexpr std::size_t largest_scenario = 16u << 20;

/// A whole number that T can hold; Json's own conversion takes any number and keeps some of its
/// bits.
template <class T>
T whole(const Json& value) {
  if (!value.is_number_integer()) throw Error("", "");
  if (value.is_number_unsigned() ? !std::in_range<T>(value.get<std::uint64_t>())
                                 : !std::in_range<T>(value.get<std::int64_t>()))
    throw Error("", "");
  return value.get<T>();
}

/// What make_record() wrote. Throws Json's own exceptions, or Error without words, where it did
/// not.
ImageRecord to_record(const Json& line, const std::vector<std::string>& score_keys) {
  ImageRecord made;
  made.image = whole<std::uint32_t>(line.at("image"));
  made.timeline = line.contains("late");
  if (made.timeline) {
    made.link = whole<std::uint32_t>(line.at("link"));
    made.slot = whole<std::uint32_t>(line.at("slot"));
    made.arrived = whole<std::uint32_t>(line.at("arrived"));
    made.late = line.at("late").get<bool>();
  }
  made.label = whole<std::int32_t>(line.at("label"));
  made.header_lost = line.at("header_lost").get<bool>();
  made.decision = line.at("decision").is_null() ? -1 : whole<std::int32_t>(line.at("decision"));
  const Json& uses = line.at("uses");
  const auto share = [&](const char* key) {
    const double value = uses.at(key).get<double>();
    return value >= 0 && value < 1e15 ? static_cast<std::int64_t>(value) : -(std::int64_t{1} << 58);
  };
  made.uses = {share("payload"), share("header"), share("pilots"), share("parity"),
               share("prefix")};
  for (std::size_t s = 0; s < std::min(score_keys.size(), made.scores.size()); ++s)
    if (line.contains(score_keys[s])) made.scores[s] = line[score_keys[s]].get<double>();
  return made;
}

}  // namespace

RecordedFolder::RecordedFolder(std::string path) : path_(std::move(path)) {
  std::error_code problem;
  if (!std::filesystem::is_directory(path_, problem))
    throw Error(path_, "is no result folder: semwave run SCENARIO --out " + path_ +
                           " --set /output/records=true makes one");
  read_scenario();
  read_rows();
  if (std::filesystem::exists(records_file()))
    for (LineBlock& block : read_blocks(records_file()))
      records_.insert_or_assign(block.point_sha256,
                                block);  // a point recorded again: its last records hold
}

void RecordedFolder::read_scenario() {
  const std::string file = path_ + "/scenario.json", text = read_file_whole(file, largest_scenario);
  scenario_ = parse_json(text, file);
  if (!scenario_.is_object() || !scenario_.contains("sweep") || !scenario_["sweep"].is_object() ||
      !scenario_.contains("name") || !scenario_["name"].is_string())
    throw Error(file, "is not the scenario of a result folder");
  const OrderedJson ordered = parse_ordered_json(text, file);  // for the order of the sweep alone
  for (const auto& [pointer, values] : ordered["sweep"].items()) swept_.push_back(pointer);
  visit_paths(scenario_, [&](const std::string&, std::string& path) { path = absolute(path); });
}

void RecordedFolder::read_rows() {
  const std::string file = path_ + "/results.jsonl";
  rows_ = semwave::read_rows(file).rows;
  if (rows_.empty()) throw Error(file, "holds no row: no point of this run is done");
  // A run that ended says how many rows are its own; those of earlier sweeps stand behind them.
  grid_ = rows_.size();
  const std::string about = path_ + "/run.json";
  if (!std::filesystem::exists(about)) return;
  const Json run = read_json(about);
  const auto count = [&](const char* key) {
    const Json::json_pointer at(std::string("/points/") + key);
    return run.contains(at) && run[at].is_number_unsigned() ? run[at].get<std::size_t>() : 0;
  };
  if (const std::size_t own = count("done") + count("reused"); own > 0)
    grid_ = std::min(own, grid_);
  else
    bring_own_rows_forward();
}

void RecordedFolder::bring_own_rows_forward() {
  // Killed, or still running: its rows were appended behind those of earlier sweeps, and of two
  // rows of one point the later is its own.
  std::map<std::string, std::size_t> latest;
  for (std::size_t row = 0; row < rows_.size(); ++row) latest[rows_[row]["point"].dump()] = row;
  std::map<std::string, std::set<std::string>> grid;  // values of each swept key
  for (const std::string& pointer : swept_) {
    const Place place = Place{path_ + "/scenario.json", "/sweep"} / pointer;
    try {
      for (const Json& value : sweep_values(scenario_["sweep"][pointer], place))
        grid[pointer].insert(canonical(value));
    } catch (const Json::exception&) {
      throw Error(place.str(), "is no list of values");
    }
  }
  std::vector<OrderedJson> own, earlier;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const OrderedJson& point = rows_[row]["point"];
    bool swept = point.size() == swept_.size() && latest[point.dump()] == row;
    for (const auto& [pointer, value] : point.items()) {
      const auto values = grid.find(pointer);
      swept = swept && values != grid.end() &&
              values->second.contains(canonical(anchored(pointer, Json(value))));
    }
    (swept ? own : earlier).push_back(std::move(rows_[row]));
  }
  grid_ = own.size();
  std::move(earlier.begin(), earlier.end(), std::back_inserter(own));
  rows_ = std::move(own);
}

std::string RecordedFolder::absolute(const std::string& path) const {
  std::string made =
      std::filesystem::absolute(std::filesystem::path(path_) / path).lexically_normal().string();
  if (!is_utf8(made))
    throw Error(made,
                "is a path with bytes that are no UTF-8, which no scenario can name: rename it");
  return made;
}

Json RecordedFolder::anchored(const std::string& pointer, const Json& value) const {
  return swept_value(pointer, value, [&](const std::string& path) { return absolute(path); });
}

Json RecordedFolder::value_at(std::size_t row, const std::string& pointer) const {
  const OrderedJson& point = rows_[row]["point"];
  if (const auto own = point.find(pointer); own != point.end())
    return anchored(pointer, Json(*own));
  if (row >= grid_) return {};  // of an earlier sweep: what its scenario said is not known
  try {
    // Swept values replace what the scenario says in the order written: a whole object may hold the
    // key.
    Json value = scenario_;
    for (const auto& [swept, chosen] : point.items())
      set_pointer(value, swept, anchored(swept, Json(chosen)), "");
    const Json::json_pointer at(pointer);
    return value.contains(at) ? value[at] : Json();
  } catch (const std::exception&) {
    throw Error(path_ + "/results.jsonl: row " + std::to_string(row),
                "does not fit scenario.json beside it");
  }
}

bool RecordedFolder::measures(const std::string& metric) const {
  // Rows of earlier sweeps may have measured more than the scenario beside them says: their keys
  // say so too.
  const auto names = [&](const Json& list) {
    return list.is_array() && std::find(list.begin(), list.end(), metric) != list.end();
  };
  if (scenario_.contains("metrics") && names(scenario_["metrics"])) return true;
  const std::string key = metrics().make({{"kind", metric}}, {})->key();
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const OrderedJson& row) { return row.contains(key); });
}

const LineBlock& RecordedFolder::records_of(std::size_t row) const {
  const auto found = records_.find(rows_[row]["point_sha256"].get<std::string>());
  if (found == records_.end())
    throw Error(path_,
                "has no records of " + label(row) + ": run again with --set /output/records=true");
  return found->second;
}

std::string RecordedFolder::label(std::size_t row) const {
  std::vector<std::string> pointers;
  for (const auto& [pointer, value] : rows_[row]["point"].items()) pointers.push_back(pointer);
  const std::vector<std::string> names = short_names(pointers);
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (text.empty() ? "" : " ") + names[i] + "=" +
            one_word(Json(rows_[row]["point"][pointers[i]]));
  return text.empty() ? name() : text;
}

RecordReader::RecordReader(const std::string& file, const LineBlock& block,
                           std::vector<std::string> score_keys)
    : file_(file),
      point_sha256_(block.point_sha256),
      score_keys_(std::move(score_keys)),
      lines_(file, block.begin),
      at_(block.begin),
      end_(block.end),
      line_(static_cast<std::size_t>(block.first) - 1) {}

std::optional<ImageRecord> RecordReader::next() {
  if (at_ >= end_) return std::nullopt;
  ++line_;
  if (!lines_.next(text_)) throw Error(place(), "cannot be read: the file was changed meanwhile");
  at_ += text_.size() + 1;
  ImageRecord record;
  Json line;
  try {
    line = parse_json(text_, "");
  } catch (const Error& problem) {
    throw Error(place(), "is no record" + std::string(problem.what()));
  }
  if (!line.is_object() || !line.contains("point_sha256")) throw Error(place(), "is no record");
  if (line["point_sha256"] != point_sha256_)
    throw Error(place(), "belongs to another point: the folder was changed meanwhile");
  try {
    record = to_record(line, score_keys_);
  } catch (const Json::exception&) {
    throw Error(place(), "is no record");
  } catch (const Error&) {
    throw Error(place(), "is no record");
  }
  if (record.uses.total() < 0) throw Error(place(), "is no record: uses out of range");
#ifndef SEMWAVE_PLANTED_FAULT  // tests/fuzz/planted.sh leaves this check out, and the fuzzer must
                               // notice
  if (!record.timeline && std::int64_t{record.image} <= image_)
    throw Error(place(), "image " + std::to_string(record.image) + " stands behind image " +
                             std::to_string(image_) +
                             ": records of a point ascend in their images");
#endif
  image_ = record.image;
  return record;
}

}  // namespace semwave
