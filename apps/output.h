// Standard output that may be lost: a disk that is full, a descriptor that is closed.
#pragma once

#include <string>
#include <system_error>

namespace semwave {

/// Opens what of the standard streams is closed, so that no file of a result takes its number and
/// is written the table into. Standard output then fails as a closed one does. Comes first.
void hold_standard_streams();

/// Instead of std::fflush(stdout): remembers why it failed. The command goes on, since what it
/// keeps in a folder is not lost; semwave_main() ends with status 1.
void flush_output();

/// Whether an exception's `code` is that of a write to standard output; it is remembered then.
bool output_failed(const std::error_code& code);

/// Flushes; why standard output did not take everything since the program began, or nothing.
std::string output_problem();

}  // namespace semwave
