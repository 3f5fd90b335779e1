#include "node/record/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/error.h"
#include "core/base/sync.h"
#include "node/wire/frame.h"

namespace semwave {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(path, what + ": " + std::strerror(errno));
}

/// The file from `at` to its end.
std::string rest_of(int file, const std::string& path, std::size_t at) {
  std::string rest, piece(1u << 18, '\0');
  for (;;) {
    const ssize_t got =
        ::pread(file, piece.data(), piece.size(), static_cast<off_t>(at + rest.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "cannot be read");
    if (got == 0) return rest;
    rest.append(piece, 0, static_cast<std::size_t>(got));
  }
}

/// What was said and heard is nobody else's business. One of an earlier version is readable by all.
void keep_private(int file) {
  struct stat status {};
  if (::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
    (void)::fchmod(file, 0600);
}

/// Whether a whole frame of a journal begins anywhere behind the first byte.
bool holds_a_frame(std::string_view bytes) {
  for (std::size_t at = 1; at + frame_header_bytes <= bytes.size(); ++at) {
    const auto type = static_cast<FrameType>(bytes[at + 4]);
    if (type != FrameType::record && type != FrameType::number) continue;
    FrameReader reader(0);
    reader.append(bytes.substr(at, frame_header_bytes + largest_body(type, 0)));
    if (Frame frame; reader.next(frame)) return true;
  }
  return false;
}

}  // namespace

Journal::Journal(std::string path, const Hello& owner, const JournalReader& told)
    : path_(std::move(path)), node_(owner.node) {
  if (path_.empty()) return;
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) fail(path_, "cannot be opened");
  try {
    keep_private(file_);
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
          if (!hello || hello->protocol != protocol_version)
            throw Error(path_, "is no journal of this version of semwave; remove it to begin anew");
          if (hello->scenario != owner.scenario || hello->model != owner.model)
            throw Error(path_,
                        "was made with another scenario or another model: choose another --out, or "
                        "remove it to begin anew");
          node_ = hello->node;
          began = true;
          continue;
        }
        if (frame.type == FrameType::number) {
          auto numbered = read_numbered(frame.body);
          if (numbered && told.numbered) told.numbered(std::move(*numbered));
          if (numbered) continue;
        }
        auto record = frame.type == FrameType::record ? read_record(frame.body) : std::nullopt;
        if (record && told.record) told.record(std::move(*record));
        if (!record && told.unreadable) told.unreadable(path_ + ": byte " + std::to_string(whole));
      }
      if (reader.fault() != FrameFault::none) break;
    }
    // What a kill or a power cut left half written at the end was never told to anybody. What
    // stands before a whole frame is damage.
    const std::string rest = rest_of(file_, path_, whole);
    const bool torn = reader.fault() == FrameFault::none ||
                      std::all_of(rest.begin(), rest.end(), [](char c) { return c == 0; });
    if (!began && !torn) throw Error(path_, "is no journal of semwave; remove it to begin anew");
    if (holds_a_frame(rest))
      throw Error(path_,
                  "byte " + std::to_string(whole) +
                      ": damaged, and there are records behind it; remove the file to begin anew");
    cut_ = rest.size();
    if (cut_ > 0 && ::ftruncate(file_, static_cast<off_t>(whole)) != 0)
      fail(path_, "its torn end cannot be cut off");
    if (!began) {
      write_frame(pending_, FrameType::hello, write(owner));
      flush();
      // A power cut leaves it whole or takes all of it.
      sync();
      sync_folder_of(path_);
      if (const auto folder = std::filesystem::path(path_).parent_path(); !folder.empty())
        sync_folder_of(folder.string());
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

void Journal::append(const Numbered& numbered) {
  if (file_ >= 0) write_frame(pending_, FrameType::number, write(numbered));
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
  if (file_ >= 0 && ::fdatasync(file_) != 0 && errno != EINVAL && errno != EROFS)
    fail(path_, "cannot be synced");
}

}  // namespace semwave
