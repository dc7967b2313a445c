#include "common/fs/parent.h"

#include <cerrno>
#include <fcntl.h>

namespace facteur::fs {

Result<> sync_folder(int at, const std::string& path, int inside, Files& files) {
  const auto folder = files.open(at, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (folder) return files.sync(folder->get());
  if (folder.error().errno_value != EACCES) return fail(folder);
  return files.sync_file_system(inside);
}

Result<> sync_parent(int folder, Files& files) {
  return sync_folder(folder, "..", folder, files);
}

}  // namespace facteur::fs
