// Removing a mailbox's folder.
#include "common/store/remove_tree.h"

#include <cerrno>
#include <fcntl.h>
#include <vector>

namespace facteur::store {
namespace {

/// Removes the files of a folder, and gives back the names of the folders in it.
Result<std::vector<std::string>> remove_files(int folder, fs::Files& files) {
  const auto names = files.list(folder, ".");
  if (!names) return fail(names);
  std::vector<std::string> folders;
  for (const auto& name : *names) {
    const auto removed = files.unlink(folder, name);
    if (removed || removed.error().errno_value == ENOENT) continue;
    if (removed.error().errno_value != EISDIR && removed.error().errno_value != EPERM) return fail(removed);
    folders.push_back(name);
  }
  return folders;
}

Result<Fd> open_folder(int directory, const std::string& name, fs::Files& files) {
  return files.open(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

}  // namespace

Result<> remove_tree(int directory, const std::string& name, fs::Files& files) {
  const auto folder = open_folder(directory, name, files);
  if (!folder) return fail(folder);
  const auto inner = remove_files(folder->get(), files);
  if (!inner) return fail(inner);
  for (const auto& each : *inner) {
    const auto below = open_folder(folder->get(), each, files);
    if (!below) return fail(below);
    if (const auto left = remove_files(below->get(), files); !left) return fail(left);
    if (auto removed = files.remove_directory(folder->get(), each); !removed) return removed;
  }
  return files.remove_directory(directory, name);
}

}  // namespace facteur::store
