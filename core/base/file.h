// Files read and written whole, with the system's own reason where it does not work.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace semwave {

/// Everything in a regular file of at most `max_bytes`. Throws Error naming the path and the
/// system's reason.
std::string read_file_whole(const std::string& path, std::size_t max_bytes);

/// Writes a file whole: temporary file beside it, fsync, rename, fsync of the folder. Throws Error
/// naming the path and the system's reason; an old file then stays as it was and no temporary is
/// left. What exists and is no regular file (a device) is refused.
void write_file_whole(const std::string& path, const void* data, std::size_t bytes);

/// Appends to a regular file and syncs to the disk; all or nothing: where the disk is full, what
/// was there before is what is there after.
void append_synced(const std::string& path, const std::string& text);
/// The same in pieces: `next` fills the piece it is given, which is empty, and returns false where
/// there is no more. Returns the bytes written.
std::size_t append_synced(const std::string& path,
                          const std::function<bool(std::string& piece)>& next);

/// Cuts a line that a kill left half written: the first `whole` of `bytes` stay.
void drop_torn_line(const std::string& path, std::size_t bytes, std::size_t whole);

}  // namespace semwave
