// A result folder: rows of finished points, safe against a kill at any moment, and what decides
// that a point is done. The files and every key are described in docs/results.md.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/config/json.h"
#include "core/config/ordered_json.h"
#include "core/data/dataset.h"
#include "experiment/numerics.h"
#include "experiment/results/point_lines.h"
#include "experiment/results/record.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

/// A resolved scenario without `output`, `name` and what depends on where it runs: each file that
/// it names is the SHA-256 of what is in it; the paths of checkpoint and images, which come with
/// sums of their own, are empty. Throws Error where a file cannot be read.
Json without_places(Json resolved);

/// What a point is known by: the resolved scenario without `sweep`, `output` and `name`, with each
/// file that it names replaced by the SHA-256 of what is in it (checkpoint, images, policy table),
/// the parts of the code and the tables that it uses, and the kind of device.
std::string point_sha256(const Scenario& scenario, const std::string& model_sha256,
                         const std::string& data_sha256, DeviceKind device,
                         const std::vector<Component>& components);
/// Of a point that sends images: with components_used.
std::string point_sha256(const Scenario& scenario, const std::string& model_sha256,
                         const std::string& data_sha256, DeviceKind device);

/// Swept pointer -> value, in the order the sweep of the whole scenario is written; paths as a file
/// of `folder` says them, or as they are.
OrderedJson swept_in_order(const Scenario& whole, const Point& point,
                           const std::string& folder = {});

/// Of the shares of rows that experts worked on: their entropy over its largest, by how much the
/// busiest has more than the mean (Wang et al. 2024, MaxVio), and how many have less than a tenth
/// of it.
OrderedJson expert_health(std::span<const double> load);

/// The row of a finished point, keys as in docs/results.md. Means run over the images in their
/// order, so that they do not depend on threads or shards.
OrderedJson make_row(const Scenario& whole, const Point& point, const std::string& model_sha256,
                     const Dataset& data, const PointResult& result,
                     const std::string& point_sha256, const TimelineTotals* timeline = nullptr);

/// One line of records.jsonl.
/// A record has parts of its pair and of each metric.
struct RecordKind {
  Metrics metrics{};
  std::shared_ptr<const Pair> pair{};
};
inline RecordKind record_kind(const Scenario& scenario) {
  return {scenario.metrics, scenario.pair};
}
OrderedJson make_record(const ImageRecord& image, const RecordKind& scenario,
                        const std::string& point_sha256);

/// One line of slots.jsonl.
OrderedJson make_slot(const SlotRow& slot, const std::string& point_sha256);

/// Rows flattened to columns: nested keys joined by '.', elements of lists numbered, swept keys by
/// their pointer.
std::string to_csv(const std::vector<OrderedJson>& rows);

/// The rows of a results.jsonl, each point once: one that is there twice counts with its last row.
/// A torn last line is left out.
struct Rows {
  std::vector<OrderedJson> rows;
  std::map<std::string, std::size_t> place;  // by point_sha256
  std::size_t bytes = 0, whole = 0;          // of the file, and of its whole lines
};
/// Throws Error naming file and line where one is no row.
Rows read_rows(const std::string& path);

/// Used by one process at a time: the folder is locked while it is open. Every method throws Error
/// naming the file and the system's reason; rows that were there before stay.
class ResultFolder {
 public:
  /// Makes the folder where it is missing and reads the rows that are there. A torn last line of a
  /// killed run is dropped. Rows of one kind share a folder, told by a key that all of them have; a
  /// folder of a training is refused.
  explicit ResultFolder(std::string path, const char* key = "images");
  /// Throws Error where a folder that is there would be refused, before any work is done for it.
  static void check(const std::string& path, const char* key = "images");
  ~ResultFolder();
  ResultFolder(const ResultFolder&) = delete;
  ResultFolder& operator=(const ResultFolder&) = delete;

  const std::string& path() const { return path_; }
  /// scenario.json, as it is run.
  void write_scenario(const Scenario& scenario);
  void write_run(const OrderedJson& run);
  /// The row of a point that is done, its records and slots there too where they are wanted.
  const OrderedJson* find(const std::string& point_sha256, bool with_records,
                          bool with_slots = false) const;
  /// Appends records and slots first, then the row, each synced to the disk: a row that is there
  /// has its lines. A row of the same point is replaced. `kind`: of the point's records.
  void add(const OrderedJson& row, const RecordKind& kind, const std::vector<ImageRecord>* records,
           const std::vector<SlotRow>* slots = nullptr);
  /// Records of many points at once, synced once, for rows that finish() will write: a kill before
  /// that leaves none of them.
  void add_records(std::span<const FreshLines> points);
  /// Puts the rows of the grid into its order (they replace what stands of the same points), those
  /// of other points behind them as they were, records and slots likewise, and writes results.csv.
  /// Each file is replaced whole, and only where it changes. How many rows are of other points.
  std::size_t finish(const std::vector<OrderedJson>& grid);

 private:
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  int lock_ = -1;
  Rows rows_;
  PointLines records_, slots_;
};

}  // namespace semwave
