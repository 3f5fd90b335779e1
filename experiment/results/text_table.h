// Result rows as a table to read. Every line that is not data begins with '#', columns are parted
// by blanks, so a log is a data file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiment/results/results.h"
#include "experiment/scenario/scenario.h"

namespace semwave {

/// The shortest endings of JSON pointers that tell them apart: "snr_db", or "gate.kind" beside
/// "exit.kind".
std::vector<std::string> short_names(const std::vector<std::string>& pointers);
/// A swept value without blanks: an object as its kind and what it sets.
std::string one_word(const Json& value);

/// The parts of a row's channel uses that may not be 0 at these points, by their keys: what a table
/// shows, so that its parts add up to the total.
std::vector<std::string> parts_of_uses(const std::vector<Point>& points);

class Table {
 public:
  /// Without columns; who makes a table of its own adds them.
  explicit Table(std::string name = {}) : name_(std::move(name)) {}
  /// The swept keys come first, in the order they are written. Widths are fixed from the grid, so
  /// lines can be printed as they come.
  Table(const Scenario& scenario, const std::vector<Point>& points);
  /// For a terminal of so many columns (0: any width): the least important columns are left out,
  /// which the header says, then swept values are cut and end with '~'. Swept values, total uses,
  /// accuracy and PSNR always stay. A file or a pipe gets all.
  void fit(std::size_t width);
  /// Lines of '#': the groups, and the columns with their units.
  std::string header() const;
  std::string line(const OrderedJson& row) const;
  /// Columns of one group stand together below its name. Cells hold no blanks.
  void add(std::string group, std::string name, std::size_t width,
           std::function<std::string(const OrderedJson&)> cell);
  /// The number at a JSON pointer of a row, times `scale`; "-" where there is none.
  void add_number(std::string group, std::string name, std::size_t width,
                  const std::string& pointer, int digits, double scale = 1);
  /// What was swept, row["point"]; `points` are all that will be shown.
  void add_swept(const std::vector<std::string>& pointers, const std::vector<Json>& points);
  /// "snr_db=5 keep=0.25", or the scenario's name where nothing is swept.
  std::string label(const Point& point) const;

 private:
  void add_column(const ScoreColumn& column);
  std::size_t width() const;

  struct Column {
    std::string group, name;
    std::size_t width;
    std::function<std::string(const OrderedJson&)> cell;
  };

  std::string name_;
  std::vector<std::pair<std::string, std::string>> swept_;  // pointer, short name
  std::vector<Column> columns_;
  std::vector<std::pair<std::string, std::string>> dispensable_scores_;  // group, name
  std::size_t left_out_ = 0;                                             // columns
};

}  // namespace semwave
