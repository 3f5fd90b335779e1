// What becomes of a mistake in what a user wrote: the first is thrown, or all are kept.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/config/json.h"

namespace semwave {

/// Handed to a check, which reports to it. Most callers throw at the first mistake; `validate`
/// keeps all, and then checking goes on as far as what it needs is right.
class Mistakes {
 public:
  enum class Report : std::uint8_t { throw_first, keep_all };
  static constexpr std::size_t most = 100;  // kept; who has made more mends these first

  explicit Mistakes(Report report = Report::throw_first) : report_(report) {}

  /// Throws it, or keeps it: once, where it is found again.
  void add(const Error& mistake) {
    if (report_ == Report::throw_first) throw mistake;
    const auto same = [&](const Error& other) {
      return std::string(other.what()) == mistake.what();
    };
    if (!full() && std::none_of(kept_.begin(), kept_.end(), same)) kept_.push_back(mistake);
  }

  /// Runs a check that throws at its first mistake.
  template <class Check>
  void attempt(const Check& check) {
    if (report_ == Report::throw_first) return check();
    try {
      check();
    } catch (const Error& mistake) {
      add(mistake);
    }
  }

  bool any() const { return !kept_.empty(); }
  bool full() const { return kept_.size() >= most; }
  const std::vector<Error>& kept() const { return kept_; }

 private:
  Report report_;
  std::vector<Error> kept_;
};

/// As resolve() of core/config/json.h. What it returns where mistakes were kept is not to be used.
Json resolve(const Json& value, const Fields& fields, const Place& place, Mistakes& mistakes);

}  // namespace semwave
