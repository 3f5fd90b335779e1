// What a node has done, an image a line, on disk before anybody is told: a node that is killed and
// comes back goes on where it was. A file of frames (node/wire/frame.h): a hello that says whose it
// is, then records. Its owner alone reads it. Without a path it lives in memory alone.
#pragma once

#include <functional>
#include <string>

#include "node/wire/messages.h"

namespace semwave {

/// Who is told what a journal holds, line by line: it need not fit into memory. Any may be empty.
struct JournalReader {
  std::function<void(Record&& record)> record;
  std::function<void(Numbered&& numbered)> numbered;
  /// A line that is whole and says what no line of this version says: it is left out, the others
  /// are not. `place`: the file and the byte.
  std::function<void(const std::string& place)> unreadable;
};

class Journal {
 public:
  /// Reads what is there; a torn end is cut off, damage before what is whole is not. A fresh
  /// journal begins with `owner`; one that is there must be of the same scenario and model. One
  /// process at a time holds it. Throws Error naming the file.
  Journal(std::string path, const Hello& owner, const JournalReader& reader = {});
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The identity this journal began with.
  const NodeId& node() const { return node_; }
  /// Bytes of a torn end that were cut off.
  std::size_t cut() const { return cut_; }
  /// Written by the next flush().
  void append(const Record& record);
  void append(const Numbered& numbered);
  /// To the system, which keeps it whatever becomes of this process. Throws Error.
  void flush();
  /// To the disk, which keeps it whatever becomes of this machine.
  void sync();

 private:
  std::string path_, pending_;
  int file_ = -1;
  NodeId node_{};
  std::size_t cut_ = 0;
};

}  // namespace semwave
