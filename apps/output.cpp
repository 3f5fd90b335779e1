#include "apps/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace semwave {
namespace {

std::error_code first_problem;

void remember(const std::error_code& code) {
  if (!first_problem) first_problem = code;
}

}  // namespace

void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1) continue;
    // The lowest number that is free, which is this one. Open the wrong way round: its use fails.
    const int way = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    (void)::open("/dev/null", way);
  }
}

void flush_output() {
  if (std::fflush(stdout) != 0) remember({errno, std::generic_category()});
}

bool output_failed(const std::error_code& code) {
  if (std::ferror(stdout) == 0) return false;
  remember(code);
  return true;
}

std::string output_problem() {
  flush_output();
  if (first_problem) return "standard output is lost: " + first_problem.message();
  // What failed between two flushes has left its mark and no reason.
  return std::ferror(stdout) != 0 ? "standard output is lost" : "";
}

}  // namespace semwave
