// A user's or a file's mistake, with its place. Bugs assert; a peer that goes away is a returned
// value, never an Error.
#pragma once

#include <stdexcept>
#include <string>

namespace semwave {

class Error : public std::runtime_error {
 public:
  /// `place` is where the mistake is ("scenarios/x.json: /channel/snr_db", a file name);
  /// `message` says what is wrong and, where one is known, the remedy.
  Error(const std::string& place, const std::string& message)
      : std::runtime_error(place + ": " + message), place_(place) {}

  const std::string& place() const { return place_; }

 private:
  std::string place_;
};

/// A mistake in a part of a scenario that does not know where it stands. `below` is the JSON
/// pointer from the part on: "/csi/receiver". Whoever made the part says where that is
/// (core/config/registry.h).
class PartError : public Error {
 public:
  PartError(const std::string& below, const std::string& message)
      : Error(below, message), message_(message) {}

  const std::string& below() const { return place(); }
  const std::string& message() const { return message_; }

 private:
  std::string message_;
};

}  // namespace semwave
