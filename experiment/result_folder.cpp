// The files of a result folder: appended whole and synced, read with what a kill may have left, replaced whole.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/error.h"
#include "core/file.h"
#include "experiment/results.h"

namespace semwave {
namespace {

constexpr std::size_t largest_results = 1u << 30;
constexpr const char* record_start = "{\"point_sha256\":\"";
constexpr std::size_t sha_digits = 64;

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw Error(path, what + ": " + std::strerror(errno)); }

/// An open file that closes itself.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

void write_all(int file, const char* data, std::size_t bytes, const std::string& path) {
  while (bytes > 0) {
    const ssize_t written = ::write(file, data, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(path, "cannot be written");
    data += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

/// All or nothing: where the disk is full, what was there before is what is there after.
void append(const std::string& path, const std::string& text) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)};
  if (file.value < 0) fail(path, "cannot be opened");
  const off_t before = ::lseek(file.value, 0, SEEK_END);
  try {
    write_all(file.value, text.data(), text.size(), path);
    if (::fsync(file.value) != 0 && errno != EINVAL && errno != EROFS) fail(path, "cannot be synced");
  } catch (const Error&) {
    if (before >= 0) (void)!::ftruncate(file.value, before);
    throw;
  }
}

/// Cuts a line that a kill left half written.
void drop_torn_line(const std::string& path, std::size_t bytes, std::size_t whole) {
  if (whole < bytes && ::truncate(path.c_str(), static_cast<off_t>(whole)) != 0) fail(path, "a torn last line cannot be dropped");
}

}  // namespace

ResultFolder::ResultFolder(std::string path) : path_(std::move(path)) {
  std::error_code problem;
  std::filesystem::create_directories(path_, problem);
  if (problem || !std::filesystem::is_directory(path_)) throw Error(path_, "cannot be made a result folder: " + (problem ? problem.message() : std::string("there is a file of that name")));
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) fail(path_, "cannot be opened");
  try {
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) throw Error(path_, "another run is writing to this folder");
    append(file("results.jsonl"), "");  // so that a folder without leave to write is known before anything runs
    read_rows();
    read_records();
  } catch (...) {
    ::close(lock_);
    throw;
  }
}

ResultFolder::~ResultFolder() { ::close(lock_); }

void ResultFolder::read_rows() {
  const std::string path = file("results.jsonl");
  const std::string text = read_file_whole(path, largest_results);
  std::size_t begin = 0, line = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    ++line;
    OrderedJson row = OrderedJson::parse(text.begin() + static_cast<std::ptrdiff_t>(begin), text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (!row.is_object() || !row.contains("point_sha256") || !row["point_sha256"].is_string() || !row.contains("point"))
      throw Error(path, "line " + std::to_string(line) + " is no row of results; repair or remove it, or choose another --out");
    std::erase_if(rows_, [&](const OrderedJson& other) { return other["point_sha256"] == row["point_sha256"]; });
    rows_.push_back(std::move(row));
  }
  drop_torn_line(path, text.size(), begin);
}

void ResultFolder::read_records() {
  const std::string path = file("records.jsonl");
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path, missing);
  if (missing) return;
  std::ifstream stream(path, std::ios::binary);
  std::size_t begin = 0;
  std::set<std::string> done;
  for (const OrderedJson& row : rows_) done.insert(row["point_sha256"].get<std::string>());
  const std::size_t prefix = std::strlen(record_start);
  for (std::string line; std::getline(stream, line) && !stream.eof();) {
    const std::size_t end = begin + line.size() + 1;
    if (!line.starts_with(record_start) || line.size() < prefix + sha_digits) throw Error(path, "the line at byte " + std::to_string(begin) + " is no record; remove the file to record again");
    std::string sha = line.substr(prefix, sha_digits);
    if (!records_.empty() && records_.back().point_sha256 == sha && records_.back().end == begin)
      records_.back().end = end;
    else
      records_.push_back({std::move(sha), begin, end});
    begin = end;
  }
  drop_torn_line(path, bytes, begin);
  // A run that was killed between the records of a point and its row has to make both again.
  const bool stale = std::erase_if(records_, [&](const Block& block) { return !done.contains(block.point_sha256); }) > 0;
  if (stale) rewrite_records(records_);
}

void ResultFolder::rewrite_records(const std::vector<Block>& blocks) {
  const std::string path = file("records.jsonl"), fresh = path + ".tmp";
  {
    const Descriptor from{::open(path.c_str(), O_RDONLY | O_CLOEXEC)}, to{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (from.value < 0) fail(path, "cannot be opened");
    if (to.value < 0) fail(fresh, "cannot be opened");
    std::vector<char> buffer(1u << 20);
    std::vector<Block> moved;
    std::size_t at = 0;
    try {
      for (const Block& block : blocks) {
        for (std::size_t begin = block.begin; begin < block.end;) {
          const ssize_t got = ::pread(from.value, buffer.data(), std::min(buffer.size(), block.end - begin), static_cast<off_t>(begin));
          if (got <= 0) fail(path, "cannot be read");
          write_all(to.value, buffer.data(), static_cast<std::size_t>(got), fresh);
          begin += static_cast<std::size_t>(got);
        }
        moved.push_back({block.point_sha256, at, at + block.end - block.begin});
        at = moved.back().end;
      }
      if (::fsync(to.value) != 0) fail(fresh, "cannot be synced");
    } catch (const Error&) {
      ::unlink(fresh.c_str());
      throw;
    }
    records_ = std::move(moved);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) fail(path, "cannot be replaced");
}

void ResultFolder::write_scenario(const Scenario& scenario) {
  const std::string text = scenario_text(scenario, path_);
  write_file_whole(file("scenario.json"), text.data(), text.size());
}

void ResultFolder::write_run(const OrderedJson& run) {
  const std::string text = run.dump(2) + "\n";
  write_file_whole(file("run.json"), text.data(), text.size());
}

const OrderedJson* ResultFolder::find(const std::string& point_sha256, bool with_records) const {
  if (with_records && std::none_of(records_.begin(), records_.end(), [&](const Block& block) { return block.point_sha256 == point_sha256; })) return nullptr;
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const OrderedJson& row) { return row["point_sha256"] == point_sha256; });
  return found == rows_.end() ? nullptr : &*found;
}

void ResultFolder::add(const OrderedJson& row, const std::vector<ImageRecord>* records) {
  const auto sha = row["point_sha256"].get<std::string>();
  if (records != nullptr) {
    std::string lines;
    for (const ImageRecord& image : *records) lines += make_record(image, sha).dump() + "\n";
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(file("records.jsonl"), missing);
    const std::size_t begin = missing ? 0 : bytes;
    append(file("records.jsonl"), lines);
    records_.push_back({sha, begin, begin + lines.size()});
  }
  append(file("results.jsonl"), row.dump() + "\n");
  std::erase_if(rows_, [&](const OrderedJson& other) { return other["point_sha256"] == sha; });
  rows_.push_back(row);
}

void ResultFolder::finish(const std::vector<OrderedJson>& grid) {
  std::map<std::string, std::size_t> place;
  std::vector<OrderedJson> rows;
  for (const OrderedJson& row : grid)
    if (place.try_emplace(row["point_sha256"].get<std::string>(), place.size()).second) rows.push_back(row);
  for (const OrderedJson& row : rows_)
    if (!place.contains(row["point_sha256"].get<std::string>())) rows.push_back(row);
  rows_ = std::move(rows);
  std::string text;
  for (const OrderedJson& row : rows_) text += row.dump() + "\n";
  if (text != read_file_whole(file("results.jsonl"), largest_results)) write_file_whole(file("results.jsonl"), text.data(), text.size());
  const std::string csv = to_csv(rows_);
  write_file_whole(file("results.csv"), csv.data(), csv.size());

  const auto rank = [&](const Block& block) {
    const auto found = place.find(block.point_sha256);
    return found == place.end() ? place.size() : found->second;
  };
  const auto before = [&](const Block& a, const Block& b) { return rank(a) < rank(b); };
  if (std::is_sorted(records_.begin(), records_.end(), before)) return;
  std::vector<Block> blocks = records_;
  std::stable_sort(blocks.begin(), blocks.end(), before);
  rewrite_records(blocks);
}

}  // namespace semwave
