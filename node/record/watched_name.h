// What a picture of a watched folder is called in journals and on the wire: its file's name, size
// and time of change.
#pragma once

#include <string>

namespace semwave {

/// A file's name for journals and logs, each another one: as it is, but %XX for what is not
/// printable ASCII. Long ones end with a checksum.
std::string journal_name(const std::string& file);

/// The file that a journal's name of a picture speaks of, as it is called in its folder; of a very
/// long name the beginning. Empty without a name.
std::string file_of(const std::string& journal_name);

}  // namespace semwave
