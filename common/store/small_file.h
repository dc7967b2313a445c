// Small files that are written whole.
#pragma once

#include <string>
#include <string_view>

#include "common/fs/files.h"

namespace facteur::store {

/// Writes the file `name` of an open folder so that a crash leaves the old octets or the new ones: as `name`.new,
/// synced, renamed, the folder synced.
[[nodiscard]] Result<> replace_small_file(int directory, const std::string& name, std::string_view octets,
                                          fs::Files& files);

}  // namespace facteur::store
