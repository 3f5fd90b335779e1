// Text that others wrote (names of files, keys of JSON, names of peers, words of libraries) as it
// may be shown.
#pragma once

#include <string>
#include <string_view>

namespace semwave {

/// The text on one line, which moves no cursor and turns no direction: control characters, line
/// separators and bytes that are no UTF-8 become \xNN, line separators beyond ASCII and what
/// overrides the direction of writing \u{NNNN}. All else stays as it is, a backslash too; so what
/// is printable stays the same.
std::string printable(std::string_view text);
bool is_printable(std::string_view text);

/// UTF-8 without overlong forms and surrogates; what JSON can hold.
bool is_utf8(std::string_view text);

/// A line of JSON as a terminal may show it: the same characters as escapes of JSON (\u009b).
/// `json` must be what dump() wrote, without indentation.
std::string printable_json(std::string_view json);

}  // namespace semwave
