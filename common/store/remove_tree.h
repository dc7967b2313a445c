// Removing a mailbox's folder with all that is in it.
#pragma once

#include <string>

#include "common/fs/files.h"

namespace facteur::store {

/// Removes the folder `name` of `directory`: its files and one level of folders with theirs, as a Maildir has. Links
/// are removed, not followed. What lies deeper makes it fail.
[[nodiscard]] Result<> remove_tree(int directory, const std::string& name, fs::Files& files);

}  // namespace facteur::store
