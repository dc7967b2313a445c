#include "common/store/small_file.h"

#include <fcntl.h>

namespace facteur::store {

Result<> replace_small_file(int directory, const std::string& name, std::string_view octets, fs::Files& files) {
  const auto new_name = name + ".new";
  const auto write = [&]() -> Result<> {
    const auto fd = files.open(directory, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (!fd) return fail(fd);
    if (auto done = files.write(fd->get(), octets); !done) return done;
    if (auto done = files.sync(fd->get()); !done) return done;
    return files.rename(directory, new_name, directory, name);
  };
  if (auto written = write(); !written) {
    (void)files.unlink(directory, new_name);
    return written;
  }
  return files.sync(directory);
}

}  // namespace facteur::store
