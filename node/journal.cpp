#include "node/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "node/frame.h"

namespace semwave {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) { throw Error(path, what + ": " + std::strerror(errno)); }

}  // namespace

Journal::Journal(std::string path, const Hello& owner) : path_(std::move(path)), node_(owner.node) {
  if (path_.empty()) return;
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail(path_, "cannot be opened");
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) throw Error(path_, "is in use by another node");
    FrameReader reader(0);
    std::string piece(1u << 18, '\0');
    std::size_t read = 0, whole = 0;
    bool began = false;
    for (;;) {
      const ssize_t got = ::pread(file_, piece.data(), piece.size(), static_cast<off_t>(read));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(path_, "cannot be read");
      if (got == 0) break;
      read += static_cast<std::size_t>(got);
      reader.append(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
      for (Frame frame; reader.next(frame); whole += frame_header_bytes + frame.body.size()) {
        if (!began) {
          const auto hello = frame.type == FrameType::hello ? read_hello(frame.body) : std::nullopt;
          if (!hello || hello->protocol != protocol_version) throw Error(path_, "is no journal of this version of semwave; remove it to begin anew");
          if (hello->scenario != owner.scenario || hello->model != owner.model) throw Error(path_, "was made with another scenario or another model: choose another --out, or remove it to begin anew");
          node_ = hello->node;
          began = true;
          continue;
        }
        auto record = frame.type == FrameType::record ? read_record(frame.body) : std::nullopt;
        if (!record) throw Error(path_, "byte " + std::to_string(whole) + ": no record; remove the file to begin anew");
        found_.push_back(std::move(*record));
      }
    }
    // What a kill or a power cut left half written, and whatever stands behind it, was never told to anybody.
    if (whole < read && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) fail(path_, "its torn end cannot be cut off");
    if (!began) {
      write_frame(pending_, FrameType::hello, write(owner));
      flush();
    }
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Journal::~Journal() {
  if (file_ >= 0) ::close(file_);
}

void Journal::append(const Record& record) {
  if (file_ >= 0) write_frame(pending_, FrameType::record, write(record));
}

void Journal::flush() {
  for (std::string_view rest = pending_; !rest.empty();) {
    const ssize_t done = ::write(file_, rest.data(), rest.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(path_, "cannot be written");
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  pending_.clear();
}

void Journal::sync() {
  if (file_ >= 0 && ::fdatasync(file_) != 0 && errno != EINVAL && errno != EROFS) fail(path_, "cannot be synced");
}

}  // namespace semwave
