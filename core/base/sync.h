// What a power cut must not undo.
#pragma once

#include <string>

namespace semwave {

/// The name of a new file: syncs the folder it stands in. Throws Error naming the file.
void sync_folder_of(const std::string& path);

}  // namespace semwave
