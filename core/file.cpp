// Whole files by POSIX calls: iostreams lose the reason of a failure, and know no fsync.
#include "core/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/sync.h"

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

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_new(const std::string& path, std::string& name) {
  // The number keeps two threads apart, the process id two programs; what is left of a killed one is passed over.
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

std::string read_file_whole(const std::string& path, std::size_t max_bytes) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) fail(path, "cannot open", errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) fail(path, "cannot read", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "cannot read", EISDIR);
  const auto too_large = [&] { return Error(path, "larger than the " + std::to_string(max_bytes) + " bytes allowed for such a file"); };
  const bool regular = S_ISREG(status.st_mode);
  if (regular && static_cast<std::uintmax_t>(status.st_size) > max_bytes) throw too_large();

  std::string text(regular ? static_cast<std::size_t>(status.st_size) : 0, '\0');
  std::size_t filled = 0;
  for (;;) {
    // One byte more than expected shows a file that grows, or whose size the system does not tell.
    if (filled == text.size()) text.resize(filled + (regular ? 1 : 65536));
    const ssize_t got = ::read(file.number(), text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot read", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > max_bytes) throw too_large();
  }
  text.resize(filled);
  return text;
}

void write_file_whole(const std::string& path, const void* data, std::size_t bytes) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    throw Error(path, S_ISDIR(status.st_mode) ? "cannot write: Is a directory" : "cannot write: not a regular file");

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
  if (folder.number() >= 0 && ::fsync(folder.number()) != 0 && errno != EINVAL) fail(path, "cannot make the new name durable", errno);
}

void append_synced(const std::string& path, const std::string& text) {
  bool first = true;
  (void)append_synced(path, [&](std::string& piece) {
    if (first) piece = text;
    return std::exchange(first, false);
  });
}

std::size_t append_synced(const std::string& path, const std::function<bool(std::string&)>& next) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (file.number() < 0) fail(path, "cannot be opened", errno);
  const off_t before = ::lseek(file.number(), 0, SEEK_END);
  std::size_t written = 0;
  try {
    for (std::string piece; next(piece); piece.clear()) {
      write_all(file.number(), piece.data(), piece.size(), path);
      written += piece.size();
    }
    if (::fsync(file.number()) != 0 && errno != EINVAL && errno != EROFS) fail(path, "cannot be synced", errno);
  } catch (...) {
    if (before >= 0) (void)!::ftruncate(file.number(), before);
    throw;
  }
  return written;
}

void drop_torn_line(const std::string& path, std::size_t bytes, std::size_t whole) {
  if (whole < bytes && ::truncate(path.c_str(), static_cast<off_t>(whole)) != 0) fail(path, "a torn last line cannot be dropped", errno);
}

}  // namespace semwave
