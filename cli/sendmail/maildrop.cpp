#include "cli/sendmail/maildrop.h"

#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "common/base/encode.h"
#include "common/base/random.h"

namespace facteur::cli::sendmail {
namespace {

/// Nobody can guess it, and so nobody can put a link in its place.
std::string fresh_name() {
  constexpr std::size_t octets = 16;
  return hex_encode(random_octets(octets));
}

Result<> write_and_rename(fs::Files& files, int folder, const std::string& name, std::string_view octets) {
  auto file = files.open(folder, "." + name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file) return fail(file);
  if (auto written = files.write(file->get(), octets); !written) return written;
  if (auto synced = files.sync(file->get()); !synced) return synced;
  if (auto renamed = files.rename(folder, "." + name, folder, name); !renamed) return renamed;
  return files.sync(file->get());
}

}  // namespace

Result<> leave_in_maildrop(const config::Settings& settings, const Batch& batch, fs::Files& files) {
  const std::string path = settings.queue_directory + "/maildrop";
  const std::string octets = batch_smtp(batch);
  const auto limit = settings.message_size_limit;
  if (limit > 0 && octets.size() > limit) {
    return fail(Kind::permanent, "with its envelope the message is larger than message_size_limit");
  }
  // The folder may be written to and not read, so it is no more than a place to start from.
  auto folder = files.open(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (!folder) return fail(folder);
  const auto name = fresh_name();
  if (auto done = write_and_rename(files, folder->get(), name, octets); !done) {
    (void)files.unlink(folder->get(), "." + name);
    return done;
  }
  // Who may read the folder syncs it. Others have synced the file again behind the rename: the journal of ext4, XFS and
  // btrfs then holds its new name, too.
  const auto readable = files.open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  return readable ? files.sync(readable->get()) : Result<>{};
}

}  // namespace facteur::cli::sendmail
