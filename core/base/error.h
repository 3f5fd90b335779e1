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

}  // namespace semwave
