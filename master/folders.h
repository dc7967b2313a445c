// The folders that the house needs, made by master at the start with the right owners.
#pragma once

#include "common/base/result.h"
#include "config/settings.h"

namespace facteur::master {

/// Makes the run folder with its empty root, the spool with its parts, the state folder and the root of virtual mail,
/// where they are not there. Owners are set only on what is made, and on the spool's parts. Without root all belong to
/// us.
[[nodiscard]] Result<> make_folders(const config::Settings& settings, bool real_root);

}  // namespace facteur::master
