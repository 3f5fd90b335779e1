// Which images are still to be sent: those of a data set, point after point, or those that turn up
// in a folder.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "node/record/station.h"

namespace semwave {

/// One point's share of the source, block by block as `semwave run` looks at it, so that a point
/// ends with the same image.
class PointWork {
 public:
  PointWork(const Scenario& scenario, std::int64_t first, std::int64_t end);
  /// An image of this point is done; in any order, each once.
  void done(std::uint32_t image, bool correct);
  /// Up to `most` images that have not been handed out and are not done.
  std::vector<std::uint32_t> next(std::size_t most);
  bool finished() const { return finished_; }
  std::int64_t answered() const { return answered_; }
  std::int64_t total() const { return end_ - first_; }

 private:
  void look();

  StopRule stop_;
  std::int64_t first_, end_, limit_, at_, answered_ = 0, correct_ = 0;
  std::set<std::uint32_t> ahead_;  // done before they were handed out (an earlier life's)
  bool finished_ = false;
};

/// Pictures in a folder, each sent once: known by name, size and time of change, so that a file
/// that is written anew is sent again.
class WatchedFolder {
 public:
  /// Throws Error where there is no such folder.
  WatchedFolder(std::string folder, const Architecture& architecture);
  /// Numbers that an earlier life gave to names, and those it has done.
  void numbered(const std::string& name, std::uint32_t image);
  void done(const std::string& name, std::uint32_t image);
  struct Found {
    std::string name;  // as a journal keeps it: file, size, time of change; what is not printable
                       // ASCII as %XX
    std::uint32_t image;
    std::int32_t index;  // in data()
  };
  /// Pictures that have turned up and are whole (unchanged since the last look), in the order of
  /// their names. What is no picture of the model's size is named in `problems`, once.
  std::vector<Found> look(std::vector<std::string>& problems);
  Dataset& data() { return data_; }
  /// The pixels are not needed any more.
  void release(std::int32_t index);

 private:
  std::string folder_;
  Dataset data_;
  std::map<std::string, std::string> seen_;       // file -> name
  std::map<std::string, std::uint32_t> numbers_;  // of names that an earlier life sent
  std::set<std::string> known_;                   // names sent or refused
  std::vector<std::int32_t> free_;
  std::uint32_t next_ = 0;
};

}  // namespace semwave
