#include "experiment/results/point_lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/input_file.h"

namespace semwave {
namespace {

constexpr const char* line_start = "{\"point_sha256\":\"";
constexpr std::size_t sha_digits = 64, piece_bytes = 1u << 20;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(path, what + ": " + std::strerror(errno));
}

/// An open file that closes itself.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

std::vector<LineBlock> read_blocks(const std::string& path, std::size_t* whole) {
  LineReader lines(path);
  std::vector<LineBlock> blocks;
  std::size_t begin = 0;
  std::int64_t number = 0;
  const std::size_t prefix = std::strlen(line_start);
  for (std::string line; lines.next(line) && !lines.torn();) {
    ++number;
    const std::size_t end = begin + line.size() + 1;
    if (!line.starts_with(line_start) || line.size() < prefix + sha_digits)
      throw Error(path + ": line " + std::to_string(number),
                  "is no record: it does not name its point");
    if (blocks.empty() || line.compare(prefix, sha_digits, blocks.back().point_sha256) != 0)
      blocks.push_back({line.substr(prefix, sha_digits), begin, end, number, 0});
    blocks.back().end = end;
    ++blocks.back().lines;
    begin = end;
  }
  if (whole != nullptr) *whole = begin;
  return blocks;
}

void PointLines::open(const std::set<std::string>& done) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path_, missing);
  if (missing) return;
  std::size_t whole = 0;
  blocks_ = read_blocks(path_, &whole);
  drop_torn_line(path_, bytes, whole);
  // A run that was killed between the lines of a point and its row has to make both again.
  const bool stale = std::erase_if(blocks_, [&](const LineBlock& block) {
                       return !done.contains(block.point_sha256);
                     }) > 0;
  if (stale) rewrite(blocks_);
}

void PointLines::rewrite(const std::vector<LineBlock>& blocks) {
  const std::string fresh = path_ + ".tmp";
  {
    ::unlink(
        fresh.c_str());  // of a run that was killed, or no file of ours: in either case a new one
    InputFile from(path_);
    const Descriptor to{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)};
    if (to.value < 0) fail(fresh, "cannot be opened");
    std::vector<char> buffer(1u << 20);
    std::vector<LineBlock> moved;
    std::size_t at = 0;
    std::int64_t first = 1;
    try {
      for (const LineBlock& block : blocks) {
        from.seek(block.begin);
        for (std::size_t begin = block.begin; begin < block.end;) {
          const std::size_t got =
              from.read(buffer.data(), std::min(buffer.size(), block.end - begin));
          if (got == 0) throw Error(path_, "cannot be read: the file was changed meanwhile");
          for (std::size_t done = 0; done < got;) {
            const ssize_t written = ::write(to.value, buffer.data() + done, got - done);
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) fail(fresh, "cannot be written");
            done += static_cast<std::size_t>(written);
          }
          begin += got;
        }
        moved.push_back({block.point_sha256, at, at + block.end - block.begin, first, block.lines});
        first += block.lines;
        at = moved.back().end;
      }
      if (::fsync(to.value) != 0) fail(fresh, "cannot be synced");
    } catch (const Error&) {
      ::unlink(fresh.c_str());
      throw;
    }
    blocks_ = std::move(moved);
  }
  if (::rename(fresh.c_str(), path_.c_str()) != 0) fail(path_, "cannot be replaced");
}

std::int64_t PointLines::lines(const std::string& point_sha256) const {
  std::int64_t count = 0;
  for (const LineBlock& block : blocks_)
    if (block.point_sha256 == point_sha256) count += block.lines;
  return count;
}

void PointLines::add(std::span<const FreshLines> points) {
  std::set<std::string_view> renewed;
  for (const FreshLines& point : points) renewed.insert(point.point_sha256);
  std::vector<LineBlock> others = blocks_;
  const auto is_renewed = [&](const LineBlock& block) {
    return renewed.contains(block.point_sha256);
  };
  if (std::erase_if(others, is_renewed) > 0) rewrite(others);

  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path_, missing);
  std::size_t at = missing ? 0 : bytes;
  std::int64_t first = blocks_.empty() ? 1 : blocks_.back().first + blocks_.back().lines;
  std::vector<LineBlock> made;
  auto point = points.begin();
  std::size_t line = 0;
  // Piece by piece: a long timeline has more lines than memory should hold.
  append_synced(path_, [&](std::string& piece) {
    const bool more = point != points.end();
    while (point != points.end() && piece.size() < piece_bytes) {
      if (line == point->count) {
        ++point;
        line = 0;
        continue;
      }
      if (line == 0) made.push_back({point->point_sha256, at, at, first, 0});
      const std::string text = point->line(line++) + "\n";
      at += text.size();
      made.back().end = at;
      ++made.back().lines;
      ++first;
      piece += text;
    }
    return more;
  });
  blocks_.insert(blocks_.end(), made.begin(), made.end());
}

void PointLines::sort(const std::function<std::size_t(const std::string&)>& rank) {
  const auto before = [&](const LineBlock& a, const LineBlock& b) {
    return rank(a.point_sha256) < rank(b.point_sha256);
  };
  if (std::is_sorted(blocks_.begin(), blocks_.end(), before)) return;
  std::vector<LineBlock> blocks = blocks_;
  std::stable_sort(blocks.begin(), blocks.end(), before);
  rewrite(blocks);
}

}  // namespace semwave
