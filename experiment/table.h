// Result rows as a table to read. Every line that is not data begins with '#', columns are parted by blanks, so a log is a data file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "experiment/results.h"
#include "experiment/scenario.h"

namespace semwave {

class Table {
 public:
  /// The swept keys come first, in the order they are written. Widths are fixed from the grid, so lines can be printed as they come.
  Table(const Scenario& scenario, const std::vector<Point>& points);
  /// Lines of '#': the groups, and the columns with their units.
  std::string header() const;
  std::string line(const OrderedJson& row) const;
  /// "snr_db=5 keep=0.25", or the scenario's name where nothing is swept.
  std::string label(const Point& point) const;

 private:
  struct Column {
    std::string group, name;
    std::size_t width;
    std::function<std::string(const OrderedJson&)> cell;
  };
  void add(std::string group, std::string name, std::size_t width, std::function<std::string(const OrderedJson&)> cell);
  void add_number(std::string group, std::string name, std::size_t width, const std::string& pointer, int digits, double scale = 1);

  std::string name_;
  std::vector<std::pair<std::string, std::string>> swept_;  // pointer, short name
  std::vector<Column> columns_;
};

}  // namespace semwave
