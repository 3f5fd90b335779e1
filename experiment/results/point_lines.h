// A file of JSON lines, each beginning with the point it belongs to: records.jsonl and slots.jsonl
// of a result folder. The lines of a point stand together, are written before its row, and are
// dropped where a kill came between.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace semwave {

/// Lines of one point that stand together.
struct LineBlock {
  std::string point_sha256;
  std::size_t begin, end;     // bytes
  std::int64_t first, lines;  // counted from 1, and how many
};
/// The blocks of a file in its order; `whole` is where its last whole line ends. Throws Error where
/// a line does not name its point.
std::vector<LineBlock> read_blocks(const std::string& path, std::size_t* whole = nullptr);

/// Lines of one point that are to be written; `line` makes one of them, without its end.
struct FreshLines {
  std::string point_sha256;
  std::size_t count;
  std::function<std::string(std::size_t line)> line;
};

class PointLines {
 public:
  /// Nothing is read or made yet.
  explicit PointLines(std::string path) : path_(std::move(path)) {}
  /// Finds the blocks of a file that is there; cuts a torn last line, and the blocks of points that
  /// are not `done`. Throws Error where a line is not of this kind.
  void open(const std::set<std::string>& done);
  /// Lines of a point, 0 where there are none.
  std::int64_t lines(const std::string& point_sha256) const;
  /// Appends the lines of these points, each another one, synced to the disk once, all or nothing;
  /// those they had before go.
  void add(std::span<const FreshLines> points);
  /// Puts the blocks into the order of `rank`; the file is replaced whole, and only where it
  /// changes.
  void sort(const std::function<std::size_t(const std::string& point_sha256)>& rank);

 private:
  void rewrite(const std::vector<LineBlock>& blocks);

  std::string path_;
  std::vector<LineBlock> blocks_;
};

}  // namespace semwave
