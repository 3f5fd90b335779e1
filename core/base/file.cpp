// Whole files by POSIX calls: iostreams lose the reason of a failure, and know no fsync.
#include "core/base/file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/base/sync.h"
#include "core/base/text.h"

namespace semwave {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what, int reason) {
  throw Error(path, what + ": " + std::generic_category().message(reason));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { (void)close(); }
  int number() const { return number_; }
  int close() {
    if (number_ < 0) return 0;
    const int status = ::close(number_);
    number_ = -1;
    return status;
  }

 private:
  int number_;
};

/// Takes the file away again unless it was renamed.
class Temporary {
 public:
  explicit Temporary(std::string path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!renamed_) (void)::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }
  void renamed() { renamed_ = true; }

 private:
  std::string path_;
  bool renamed_ = false;
};

void refuse_nul(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    throw Error(printable(path), "cannot open: a path holds the character NUL");
}

/// What is no regular file, in words; empty where it is one.
std::string kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "";
  if (S_ISDIR(mode)) return std::generic_category().message(EISDIR);
  return S_ISFIFO(mode)   ? "a pipe, no regular file"
         : S_ISSOCK(mode) ? "a socket, no regular file"
                          : "a device, no regular file";
}

struct stat status_of(int file, const std::string& path) {
  struct stat status {};
  if (::fstat(file, &status) != 0) fail(path, "cannot read", errno);
  return status;
}

void require_regular(const struct stat& status, const std::string& path, const std::string& what) {
  if (const std::string kind = kind_of(status.st_mode); !kind.empty())
    throw Error(path, what + ": " + kind);
}

/// Of a pipe without a writer, too, this comes back at once: O_NONBLOCK. It changes nothing about a
/// regular file.
int open_without_waiting(const std::string& path, int flags, const std::string& what) {
  refuse_nul(path);
  const int number = ::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  if (number >= 0) return number;
  // A socket, or a pipe that nobody reads, says so in a way that helps nobody.
  struct stat status {};
  const int reason = errno;
  if (reason == ENXIO && ::stat(path.c_str(), &status) == 0) require_regular(status, path, what);
  fail(path, what, reason);
}

std::size_t read_some(int file, void* out, std::size_t bytes, const std::string& path) {
  for (;;) {
    const ssize_t got = ::read(file, out, std::min<std::size_t>(bytes, std::size_t{1} << 30));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) fail(path, "cannot read", errno);
  }
}

Error too_large(const std::string& path, std::size_t max_bytes) {
  return {path, "larger than the " + std::to_string(max_bytes) + " bytes allowed for such a file"};
}

/// Whether no name in any folder leads to this pipe.
bool is_nameless_pipe(int file, mode_t mode) {
  struct statfs system {};
  return S_ISFIFO(mode) && ::fstatfs(file, &system) == 0 && system.f_type == PIPEFS_MAGIC;
}

/// To the end, in pieces of at least `piece` bytes.
template <class Read>
std::string read_all(const Read& read, std::size_t expected, std::size_t piece,
                     std::size_t max_bytes, const std::string& path) {
  if (expected > max_bytes) throw too_large(path, max_bytes);
  std::string text(expected, '\0');
  std::size_t filled = 0;
  for (;;) {
    // More than expected shows a file that grows, or a pipe.
    if (filled == text.size()) text.resize(filled + piece);
    const std::size_t got = read(text.data() + filled, text.size() - filled);
    if (got == 0) break;
    filled += got;
    if (filled > max_bytes) throw too_large(path, max_bytes);
  }
  text.resize(filled);
  return text;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_new(const std::string& path, std::string& name) {
  // The number keeps two threads apart, the process id two programs; what is left of a killed one
  // is passed over.
  static std::atomic<unsigned> serial{0};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    name = path + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
    const int number = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (number >= 0 || errno != EEXIST) return number;
  }
  return -1;
}

void write_all(int file, const char* data, std::size_t bytes, const std::string& path) {
  while (bytes > 0) {
    const ssize_t done = ::write(file, data, std::min<std::size_t>(bytes, std::size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(path, "cannot write", errno);
    data += done;
    bytes -= static_cast<std::size_t>(done);
  }
}

}  // namespace

InputFile::InputFile(const std::string& path)
    : path_(path), number_(open_without_waiting(path, O_RDONLY, "cannot open")) {
  try {
    const struct stat status = status_of(number_, path_);
    require_regular(status, path_, "cannot read");
    bytes_ = static_cast<std::uint64_t>(status.st_size);
  } catch (...) {
    (void)::close(number_);
    throw;
  }
}

InputFile::~InputFile() {
  if (number_ >= 0) (void)::close(number_);
}

std::size_t InputFile::read(void* out, std::size_t bytes) {
  return read_some(number_, out, bytes, path_);
}

void InputFile::seek(std::uint64_t to) {
  if (::lseek(number_, static_cast<off_t>(to), SEEK_SET) < 0) fail(path_, "cannot read", errno);
}

int InputFile::release() {
  return std::exchange(number_, -1);
}

LineReader::LineReader(const std::string& path, std::uint64_t begin) : path_(path), file_(path) {
  if (begin > 0) file_.seek(begin);
}

bool LineReader::next(std::string& line) {
  constexpr std::size_t piece_bytes = std::size_t{1} << 16;
  line.clear();
  torn_ = false;
  for (;;) {
    const std::size_t end = piece_.find('\n', at_);
    const std::size_t taken = (end == std::string::npos ? piece_.size() : end) - at_;
    if (line.size() + taken > longest_line)
      throw Error(path_,
                  "a line is longer than the " + std::to_string(longest_line) + " bytes allowed");
    line.append(piece_, at_, taken);
    if (end != std::string::npos) {
      at_ = end + 1;
      return true;
    }
    piece_.resize(piece_bytes);
    piece_.resize(file_.read(piece_.data(), piece_.size()));
    at_ = 0;
    if (!piece_.empty()) continue;
    torn_ = !line.empty();
    return torn_;
  }
}

std::string read_file_whole(const std::string& path, std::size_t max_bytes) {
  InputFile file(path);
  if (file.bytes() > max_bytes) throw too_large(path, max_bytes);
  return read_all([&](char* out, std::size_t bytes) { return file.read(out, bytes); },
                  static_cast<std::size_t>(file.bytes()), 1, max_bytes, path);
}

std::string read_file_or_pipe(const std::string& path, std::size_t max_bytes) {
  refuse_nul(path);
  struct stat status {};
  // Its nature first: what a name in a folder leads to is never opened in a way that waits.
  const Descriptor looked(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (looked.number() < 0 || ::fstat(looked.number(), &status) != 0 ||
      !is_nameless_pipe(looked.number(), status.st_mode))
    return read_file_whole(path, max_bytes);
  const Descriptor pipe(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (pipe.number() < 0) fail(path, "cannot open", errno);
  return read_all(
      [&](char* out, std::size_t bytes) { return read_some(pipe.number(), out, bytes, path); }, 0,
      65536, max_bytes, path);
}

void write_file_whole(const std::string& path, const void* data, std::size_t bytes) {
  refuse_nul(path);
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error(path, S_ISDIR(status.st_mode) ? "cannot write: Is a directory"
                                              : "cannot write: not a regular file");

  std::string name;
  Descriptor file(open_new(path, name));
  if (file.number() < 0) fail(path, "cannot write", errno);
  Temporary temporary(name);
  write_all(file.number(), static_cast<const char*>(data), bytes, path);
  if (::fsync(file.number()) != 0) fail(path, "cannot write", errno);
  if (file.close() != 0) fail(path, "cannot write", errno);
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) fail(path, "cannot write", errno);
  temporary.renamed();

  // Without this a power cut may bring the old name back.
  sync_folder_of(path);
}

void sync_folder_of(const std::string& path) {
  // Some file systems know no fsync of a folder: EINVAL says so.
  Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number() >= 0 && ::fsync(folder.number()) != 0 && errno != EINVAL)
    fail(path, "cannot make the new name durable", errno);
}

void append_synced(const std::string& path, const std::string& text) {
  bool first = true;
  (void)append_synced(path, [&](std::string& piece) {
    if (first) piece = text;
    return std::exchange(first, false);
  });
}

std::size_t append_synced(const std::string& path, const std::function<bool(std::string&)>& next) {
  const Descriptor file(
      open_without_waiting(path, O_WRONLY | O_CREAT | O_APPEND, "cannot be opened"));
  require_regular(status_of(file.number(), path), path, "cannot be opened");
  const off_t before = ::lseek(file.number(), 0, SEEK_END);
  std::size_t written = 0;
  try {
    for (std::string piece; next(piece); piece.clear()) {
      write_all(file.number(), piece.data(), piece.size(), path);
      written += piece.size();
    }
    if (::fsync(file.number()) != 0 && errno != EINVAL && errno != EROFS)
      fail(path, "cannot be synced", errno);
  } catch (...) {
    if (before >= 0) (void)!::ftruncate(file.number(), before);
    throw;
  }
  return written;
}

void drop_torn_line(const std::string& path, std::size_t bytes, std::size_t whole) {
  if (whole < bytes && ::truncate(path.c_str(), static_cast<off_t>(whole)) != 0)
    fail(path, "a torn last line cannot be dropped", errno);
}

}  // namespace semwave
