// A result folder as it is read by who only looks at it: rows, and the records of one point after
// another, however long the file. Nothing is locked, changed or repaired; a run may be writing to
// the folder meanwhile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/input_file.h"
#include "core/config/json.h"
#include "experiment/results/record.h"
#include "experiment/results/results.h"

namespace semwave {

class RecordedFolder {
 public:
  /// Reads scenario.json, run.json and results.jsonl, and where each point's records stand. A torn
  /// last line of either file is left out. Throws Error naming file and line.
  explicit RecordedFolder(std::string path);

  const std::string& path() const { return path_; }
  std::string records_file() const { return path_ + "/records.jsonl"; }
  /// The first `grid()` of them belong to the scenario of the folder, the others to earlier sweeps;
  /// else in the order of results.jsonl.
  const std::vector<OrderedJson>& rows() const { return rows_; }
  std::size_t grid() const { return grid_; }
  std::string name() const { return scenario_["name"].get<std::string>(); }
  /// JSON pointers of the last sweep, as written.
  const std::vector<std::string>& swept() const { return swept_; }
  /// What the point of a row has at a JSON pointer, file paths absolute: what was swept, else what
  /// scenario.json says; null where there is no such key, or where the row is of an earlier sweep
  /// whose scenario is gone.
  Json value_at(std::size_t row, const std::string& pointer) const;
  /// Whether its points may hold scores of the metric: whether any of its scenarios names it.
  bool measures(const std::string& metric) const;
  /// Throws Error with the remedy where the point was run without records.
  const LineBlock& records_of(std::size_t row) const;
  /// "snr_db=5 keep=0.25", or the scenario's name.
  std::string label(std::size_t row) const;

 private:
  void read_scenario();
  void read_rows();
  void bring_own_rows_forward();
  std::string absolute(const std::string& path) const;
  /// A swept value, its paths made absolute: they are said from the folder.
  Json anchored(const std::string& pointer, const Json& value) const;

  std::string path_;
  Json scenario_;
  std::vector<std::string> swept_;
  std::vector<OrderedJson> rows_;
  std::size_t grid_ = 0;
  std::map<std::string, LineBlock> records_;  // by point_sha256
};

/// The records of one point in the order of their images, a line at a time.
class RecordReader {
 public:
  /// `file` is that of the folder; the block must have come from it. `score_keys`: the scores to
  /// read, in the order in which they stand in the records; a line without one has NaN.
  RecordReader(const std::string& file, const LineBlock& block,
               std::vector<std::string> score_keys = {});
  /// Nullopt behind the last one. Throws Error naming file and line for what is no record or that
  /// of another point, or whose image does not ascend (in a timeline images come in the order of
  /// their slots).
  std::optional<ImageRecord> next();
  /// "results/records.jsonl: line 17", of the record last read.
  std::string place() const { return file_ + ": line " + std::to_string(line_); }

 private:
  std::string file_, point_sha256_;
  std::vector<std::string> score_keys_;
  LineReader lines_;
  std::size_t at_, end_, line_;
  std::int64_t image_ = -1;
  std::string text_;
};

}  // namespace semwave
