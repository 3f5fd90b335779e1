// Progress on standard error: one live line on a terminal, a plain line now and then elsewhere,
// nothing where quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace semwave {

/// "1 point", "18 points".
std::string counted(std::int64_t count, const std::string& what);

/// What runs, for the first line printed: "NAME, 18 points, cpu, 2 threads".
std::string title_text(const std::string& name, std::size_t points, const std::string& device,
                       int threads);

/// "0:42", "2:03:05".
std::string clock_text(double seconds);

/// Columns of the terminal behind a descriptor; 0 where it is none.
std::size_t terminal_width(int descriptor);

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }
  /// One line whatever others have written into it (core/base/text.h). The state of things; shown
  /// at most a few times a second (a terminal) or twice a minute (a log).
  void show(const std::string& line);
  /// A line that stays. Shown unless quiet.
  void note(const std::string& line);
  /// Takes the live line away, before something is printed to standard output.
  void clear();

 private:
  bool quiet_, terminal_, live_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace semwave
