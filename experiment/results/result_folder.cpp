// The files of a result folder: appended whole and synced, read with what a kill may have left,
// replaced whole.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/input_file.h"
#include "core/config/ordered_json.h"
#include "experiment/results/results.h"

namespace semwave {
namespace {

constexpr std::size_t largest_results = 1u << 30;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(path, what + ": " + std::strerror(errno));
}

}  // namespace

Rows read_rows(const std::string& path) {
  const std::string text = read_file_whole(path, largest_results);
  Rows made;
  std::size_t begin = 0, line = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    ++line;
    const std::string place = path + ": line " + std::to_string(line),
                      remedy = "; repair or remove it, or choose another folder";
    if (end - begin > LineReader::longest_line)
      throw Error(place, "is longer than the " + std::to_string(LineReader::longest_line) +
                             " bytes allowed" + remedy);
    OrderedJson row;
    try {
      row = parse_ordered_json(std::string_view(text).substr(begin, end - begin), "");
    } catch (const Error& problem) {
      throw Error(place, "is no row of results" + std::string(problem.what()) + remedy);
    }
    if (!row.is_object() || !row.contains("point_sha256") || !row["point_sha256"].is_string() ||
        !row.contains("point") || !row["point"].is_object())
      throw Error(place, "is no row of results" + remedy);
    const auto [known, fresh] =
        made.place.try_emplace(row["point_sha256"].get<std::string>(), made.rows.size());
    if (fresh)
      made.rows.push_back(std::move(row));
    else
      made.rows[known->second] = std::move(row);
  }
  made.bytes = text.size();
  made.whole = begin;
  return made;
}

namespace {

OrderedJson slots_of(const OrderedJson& row) {
  const auto timeline = row.find("timeline");
  return timeline != row.end() && timeline->is_object() ? timeline->value("slots", OrderedJson())
                                                        : OrderedJson();
}

void refuse_training(const std::string& path) {
  if (std::filesystem::exists(path + "/training.safetensors"))
    throw Error(path, "holds a training: choose another folder");
}

void refuse_others(const std::string& path, const Rows& rows, const char* key) {
  if (std::any_of(rows.rows.begin(), rows.rows.end(),
                  [&](const OrderedJson& row) { return !row.contains(key); }))
    throw Error(path, "holds results of another command: choose another folder");
}

}  // namespace

void ResultFolder::check(const std::string& path, const char* key) {
  refuse_training(path);
  if (std::filesystem::exists(path + "/results.jsonl"))
    refuse_others(path, read_rows(path + "/results.jsonl"), key);
}

ResultFolder::ResultFolder(std::string path, const char* key)
    : path_(std::move(path)), records_(file("records.jsonl")), slots_(file("slots.jsonl")) {
  std::error_code problem;
  std::filesystem::create_directories(path_, problem);
  if (problem || !std::filesystem::is_directory(path_))
    throw Error(path_,
                "cannot be made a result folder: " +
                    (problem ? problem.message() : std::string("there is a file of that name")));
  refuse_training(path_);
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) fail(path_, "cannot be opened");
  try {
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
      throw Error(path_, "another run is writing to this folder");
    append_synced(file("results.jsonl"),
                  "");  // so that a folder without leave to write is known before anything runs
    rows_ = read_rows(file("results.jsonl"));
    refuse_others(path_, rows_, key);
    drop_torn_line(file("results.jsonl"), rows_.bytes, rows_.whole);
    std::set<std::string> done;
    for (const auto& [sha, row] : rows_.place) done.insert(sha);
    records_.open(done);
    slots_.open(done);
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

ResultFolder::~ResultFolder() {
  ::close(lock_);
}

void ResultFolder::write_scenario(const Scenario& scenario) {
  const std::string text = scenario_text(scenario, path_);
  write_file_whole(file("scenario.json"), text.data(), text.size());
}

void ResultFolder::write_run(const OrderedJson& run) {
  const std::string text = run.dump(2) + "\n";
  write_file_whole(file("run.json"), text.data(), text.size());
}

const OrderedJson* ResultFolder::find(const std::string& point_sha256, bool with_records,
                                      bool with_slots) const {
  const auto known = rows_.place.find(point_sha256);
  if (known == rows_.place.end()) return nullptr;
  const OrderedJson& found = rows_.rows[known->second];
  // A row that is reused must have all of its lines: records may have been asked for later, and a
  // kill may have cut them.
  const auto whole = [&](const PointLines& file, const OrderedJson& count) {
    return count.is_number_integer() && file.lines(point_sha256) == count.get<std::int64_t>();
  };
  if (with_records && !whole(records_, found.value("images", OrderedJson()))) return nullptr;
  if (with_slots && !whole(slots_, slots_of(found))) return nullptr;
  return &found;
}

void ResultFolder::add(const OrderedJson& row, const RecordKind& kind,
                       const std::vector<ImageRecord>* records, const std::vector<SlotRow>* slots) {
  const auto sha = row["point_sha256"].get<std::string>();
  const auto add_lines = [&](PointLines& file, std::size_t count,
                             std::function<std::string(std::size_t)> line) {
    const FreshLines lines{sha, count, std::move(line)};
    file.add({&lines, 1});
  };
  if (records != nullptr)
    add_lines(records_, records->size(),
              [&](std::size_t i) { return make_record((*records)[i], kind, sha).dump(); });
  if (slots != nullptr)
    add_lines(slots_, slots->size(),
              [&](std::size_t i) { return make_slot((*slots)[i], sha).dump(); });
  append_synced(file("results.jsonl"), row.dump() + "\n");
  if (const auto [known, fresh] = rows_.place.try_emplace(sha, rows_.rows.size()); fresh)
    rows_.rows.push_back(row);
  else
    rows_.rows[known->second] = row;
}

void ResultFolder::add_records(std::span<const FreshLines> points) {
  records_.add(points);
}

std::size_t ResultFolder::finish(const std::vector<OrderedJson>& grid) {
  std::map<std::string, std::size_t> place;
  std::vector<OrderedJson> rows;
  for (const OrderedJson& row : grid)
    if (place.try_emplace(row["point_sha256"].get<std::string>(), place.size()).second)
      rows.push_back(row);
  const auto own = place.size();
  for (const OrderedJson& row : rows_.rows)
    if (place.try_emplace(row["point_sha256"].get<std::string>(), place.size()).second)
      rows.push_back(row);
  rows_.rows = std::move(rows);
  rows_.place = place;
  std::string text;
  for (const OrderedJson& row : rows_.rows) text += row.dump() + "\n";
  if (text != read_file_whole(file("results.jsonl"), largest_results))
    write_file_whole(file("results.jsonl"), text.data(), text.size());
  const std::string csv = to_csv(rows_.rows);
  write_file_whole(file("results.csv"), csv.data(), csv.size());

  const auto rank = [&](const std::string& sha) {
    const auto found = place.find(sha);
    return found == place.end() ? place.size() : std::min(found->second, own);
  };
  records_.sort(rank);
  slots_.sort(rank);
  return rows_.rows.size() - own;
}

}  // namespace semwave
