#include "apps/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "core/base/text.h"

namespace semwave {

std::string counted(std::int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string title_text(const std::string& name, std::size_t points, const std::string& device,
                       int threads) {
  return fmt::format("{}, {}, {}, {}", printable(name),
                     counted(static_cast<std::int64_t>(points), "point"), device,
                     counted(threads, "thread"));
}

std::string clock_text(double seconds) {
  const long whole = std::lround(seconds);
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 0;
}

Progress::Progress(bool quiet)
    : quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1),
      last_(std::chrono::steady_clock::now()) {}

void Progress::show(const std::string& text) {
  if (quiet_) return;
  const std::string line = printable(text);
  const auto now = std::chrono::steady_clock::now();
  const auto pause = terminal_ ? std::chrono::milliseconds(200) : std::chrono::milliseconds(30000);
  if ((live_ || !terminal_) && now - last_ < pause) return;
  last_ = now;
  if (terminal_) {  // a line that wraps could not be taken back
    const std::size_t width = terminal_width(STDERR_FILENO);
    std::size_t room = width > 0 ? std::min(width - 1, line.size()) : line.size();
    while (room > 0 && room < line.size() &&
           (static_cast<unsigned char>(line[room]) & 0xC0u) == 0x80u)
      --room;  // no half a character
    fmt::print(stderr, "\r{}\x1b[K", line.substr(0, room));
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
  live_ = terminal_;
}

void Progress::note(const std::string& line) {
  if (quiet_) return;
  clear();
  fmt::print(stderr, "{}\n", printable(line));
}

void Progress::clear() {
  if (!live_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  live_ = false;
}

}  // namespace semwave
