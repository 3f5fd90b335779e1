#include "experiment/recorded_folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>

#include "core/error.h"
#include "core/file.h"
#include "experiment/table.h"

namespace semwave {
namespace {

constexpr std::size_t largest_results = 1u << 30;
constexpr std::size_t largest_scenario = 16u << 20;
constexpr const char* record_start = "{\"point_sha256\":\"";
constexpr std::size_t sha_digits = 64;

std::ifstream open_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error(path, std::string("cannot open: ") + std::strerror(errno));
  return stream;
}

/// What make_record() wrote. Throws Json's own exceptions where it did not.
ImageRecord to_record(const Json& line) {
  ImageRecord made;
  made.image = line.at("image").get<std::uint32_t>();
  made.timeline = line.contains("late");
  if (made.timeline) {
    made.link = line.at("link").get<std::uint32_t>();
    made.slot = line.at("slot").get<std::uint32_t>();
    made.arrived = line.at("arrived").get<std::uint32_t>();
    made.late = line.at("late").get<bool>();
  }
  made.label = line.at("label").get<std::int32_t>();
  made.header_lost = line.at("header_lost").get<bool>();
  made.decision = line.at("decision").is_null() ? -1 : line.at("decision").get<std::int32_t>();
  const Json& uses = line.at("uses");
  const auto share = [&](const char* key) {
    const double value = uses.at(key).get<double>();
    return value >= 0 && value < 1e15 ? static_cast<std::int64_t>(value) : -(std::int64_t{1} << 58);
  };
  made.uses = {share("payload"), share("header"), share("pilots"), share("parity"), share("prefix")};
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  made.psnr_db = line.contains("psnr_db") ? line["psnr_db"].get<double>() : nothing;
  made.ssim = line.contains("ssim") ? line["ssim"].get<double>() : nothing;
  return made;
}

}  // namespace

RecordedFolder::RecordedFolder(std::string path) : path_(std::move(path)) {
  std::error_code problem;
  if (!std::filesystem::is_directory(path_, problem)) throw Error(path_, "is no result folder: semwave run SCENARIO --out " + path_ + " --set /output/records=true makes one");
  read_scenario();
  read_rows();
  find_records();
}

void RecordedFolder::read_scenario() {
  const std::string file = path_ + "/scenario.json";
  scenario_ = read_json(file, largest_scenario);
  if (!scenario_.is_object() || !scenario_.contains("sweep") || !scenario_["sweep"].is_object() || !scenario_.contains("name") || !scenario_["name"].is_string())
    throw Error(file, "is not the scenario of a result folder");
  // Read above, so this is JSON; it is read again for the order of the sweep alone.
  const OrderedJson ordered = OrderedJson::parse(read_file_whole(file, largest_scenario));
  for (const auto& [pointer, values] : ordered["sweep"].items()) swept_.push_back(pointer);
}

void RecordedFolder::read_rows() {
  const std::string file = path_ + "/results.jsonl";
  const std::string text = read_file_whole(file, largest_results);
  std::size_t begin = 0, line = 0;
  std::map<std::string, std::size_t> places;  // a point that is there twice counts with its last row
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    ++line;
    OrderedJson row = OrderedJson::parse(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!row.is_object() || !row.contains("point_sha256") || !row["point_sha256"].is_string() || !row.contains("point") || !row["point"].is_object())
      throw Error(file + ": line " + std::to_string(line), "is no row of results");
    const auto [known, fresh] = places.try_emplace(row["point_sha256"].get<std::string>(), rows_.size());
    if (fresh)
      rows_.push_back(std::move(row));
    else
      rows_[known->second] = std::move(row);
  }
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
  // Killed, or still running: its rows were appended behind those of earlier sweeps, and of two rows of one point the later is its own.
  std::map<std::string, std::size_t> latest;
  for (std::size_t row = 0; row < rows_.size(); ++row) latest[rows_[row]["point"].dump()] = row;
  std::vector<OrderedJson> own, earlier;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    const OrderedJson& point = rows_[row]["point"];
    bool swept = point.size() == swept_.size() && latest[point.dump()] == row;
    for (const auto& [pointer, value] : point.items()) {
      const auto values = scenario_["sweep"].find(pointer);
      swept = swept && values != scenario_["sweep"].end() && values->is_array() && std::find(values->begin(), values->end(), Json(value)) != values->end();
    }
    (swept ? own : earlier).push_back(std::move(rows_[row]));
  }
  grid_ = own.size();
  std::move(earlier.begin(), earlier.end(), std::back_inserter(own));
  rows_ = std::move(own);
}

void RecordedFolder::find_records() {
  if (!std::filesystem::exists(records_file())) return;
  std::ifstream stream = open_file(records_file());
  const std::size_t prefix = std::strlen(record_start);
  std::size_t begin = 0, line = 0;
  std::string text, last;
  RecordBlock* block = nullptr;
  while (std::getline(stream, text) && !stream.eof()) {
    ++line;
    const std::size_t end = begin + text.size() + 1;
    if (!text.starts_with(record_start) || text.size() < prefix + sha_digits) throw Error(records_file() + ": line " + std::to_string(line), "is no record");
    if (block == nullptr || text.compare(prefix, sha_digits, last) != 0) {
      last = text.substr(prefix, sha_digits);
      block = &(records_[last] = {last, begin, end, line});  // a point recorded again: its last records hold
    }
    block->end = end;
    begin = end;
  }
}

Json RecordedFolder::value_at(std::size_t row, const std::string& pointer) const {
  const OrderedJson& point = rows_[row]["point"];
  if (const auto own = point.find(pointer); own != point.end()) return Json(*own);
  if (row >= grid_) return {};  // of an earlier sweep: what its scenario said is not known
  try {
    // Swept values replace what the scenario says in the order written: a whole object may hold the key.
    Json value = scenario_;
    for (const auto& [swept, chosen] : point.items()) value[Json::json_pointer(swept)] = Json(chosen);
    const Json::json_pointer at(pointer);
    return value.contains(at) ? value[at] : Json();
  } catch (const Json::exception&) {
    throw Error(path_ + "/results.jsonl: row " + std::to_string(row), "does not fit scenario.json beside it");
  }
}

const RecordBlock& RecordedFolder::records_of(std::size_t row) const {
  const auto found = records_.find(rows_[row]["point_sha256"].get<std::string>());
  if (found == records_.end()) throw Error(path_, "has no records of " + label(row) + ": run again with --set /output/records=true");
  return found->second;
}

std::string RecordedFolder::label(std::size_t row) const {
  std::vector<std::string> pointers;
  for (const auto& [pointer, value] : rows_[row]["point"].items()) pointers.push_back(pointer);
  const std::vector<std::string> names = short_names(pointers);
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (text.empty() ? "" : " ") + names[i] + "=" + one_word(Json(rows_[row]["point"][pointers[i]]));
  return text.empty() ? name() : text;
}

RecordReader::RecordReader(const std::string& file, const RecordBlock& block)
    : file_(file), point_sha256_(block.point_sha256), stream_(open_file(file)), at_(block.begin), end_(block.end), line_(block.line - 1) {
  stream_.seekg(static_cast<std::streamoff>(block.begin));
}

std::optional<ImageRecord> RecordReader::next() {
  if (at_ >= end_) return std::nullopt;
  ++line_;
  if (!std::getline(stream_, text_)) throw Error(place(), "cannot be read: the file was changed meanwhile");
  at_ += text_.size() + 1;
  ImageRecord record;
  try {
    const Json line = Json::parse(text_);
    if (line.at("point_sha256") != point_sha256_) throw Error(place(), "belongs to another point: the folder was changed meanwhile");
    record = to_record(line);
  } catch (const Json::exception&) {
    throw Error(place(), "is no record");
  }
  if (record.uses.total() < 0) throw Error(place(), "is no record: uses out of range");
  if (!record.timeline && std::int64_t{record.image} <= image_)
    throw Error(place(), "image " + std::to_string(record.image) + " stands behind image " + std::to_string(image_) + ": records of a point ascend in their images");
  image_ = record.image;
  return record;
}

}  // namespace semwave
