// What a node has done, an image a line, on disk before anybody is told: a node that is killed and comes back goes on where it was. A
// file of frames (node/frame.h): a hello that says whose it is, then records. Its owner alone reads it. Without a path it lives in memory alone.
#pragma once

#include <string>
#include <vector>

#include "node/messages.h"

namespace semwave {

class Journal {
 public:
  /// Reads what is there; a torn end is cut off, damage before what is whole is not. A fresh journal begins with `owner`; one that is there must be of the same scenario and
  /// model. One process at a time holds it. Throws Error naming the file.
  Journal(std::string path, const Hello& owner);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// The identity this journal began with.
  const NodeId& node() const { return node_; }
  /// What was there when it was opened; handed out once.
  std::vector<Record> take() { return std::move(found_); }
  std::vector<Numbered> take_numbered() { return std::move(numbered_); }
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
  std::vector<Record> found_;
  std::vector<Numbered> numbered_;
  std::size_t cut_ = 0;
};

}  // namespace semwave
