// Making the name of a new file or folder last, also where the folder that holds the name may not be opened.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/fs/files.h"

namespace facteur::fs {

/// Makes the names in the folder `path` (relative to `at`) durable. A folder may be closed to us, by a jail or by its
/// mode (EACCES): then the whole file system of `inside`, an open file below it, is synced. That is slow, so it is for
/// names that are made once: of a mailbox, not of a message.
[[nodiscard]] Result<> sync_folder(int at, const std::string& path, int inside, Files& files = system_files());

/// The same for the name of the open folder `folder` itself, in its parent.
[[nodiscard]] Result<> sync_parent(int folder, Files& files = system_files());

}  // namespace facteur::fs
