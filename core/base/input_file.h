// Where files from outside are opened, and nowhere else: regular files alone. A pipe, a device, a
// socket or a folder in a file's place is refused at once, and no open waits for anybody. For files
// that are read whole: core/base/file.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace semwave {

/// A regular file open for reading. Every member throws Error naming the path and the system's
/// reason.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// When it was opened.
  std::uint64_t bytes() const { return bytes_; }
  /// Up to `bytes`, on from where the last one ended; 0 at the end.
  std::size_t read(void* out, std::size_t bytes);
  void seek(std::uint64_t to);
  /// The descriptor, which the caller now closes.
  int release();

 private:
  std::string path_;
  int number_;
  std::uint64_t bytes_ = 0;
};

/// The lines of a regular file, one after another, however long the file.
class LineReader {
 public:
  static constexpr std::size_t longest_line = std::size_t{4} << 20;

  explicit LineReader(const std::string& path, std::uint64_t begin = 0);
  /// The next one, without its end; false behind the last. Throws Error where a line is longer than
  /// longest_line.
  bool next(std::string& line);
  /// The line that next() gave last ended with the file, without a line's end: a kill may have cut
  /// it.
  bool torn() const { return torn_; }

 private:
  std::string path_;
  InputFile file_;
  std::string piece_;
  std::size_t at_ = 0;
  bool torn_ = false;
};

/// What read_file_whole() (core/base/file.h) reads, or all that comes through a nameless pipe, such
/// as /dev/stdin and what a shell hands over as <(command); for what the user names on the command
/// line.
std::string read_file_or_pipe(const std::string& path, std::size_t max_bytes);

}  // namespace semwave
