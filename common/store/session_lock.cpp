// The file facteur-pop3.lock: empty, locked while a session lasts.
#include "common/store/session_lock.h"

#include <fcntl.h>

namespace facteur::store {

Result<SessionLock> SessionLock::take(const std::string& folder, fs::Files& files) {
  auto fd = files.open(AT_FDCWD, folder + "/facteur-pop3.lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
  if (!fd) return fail(fd);
  auto lock = FileLock::take(fd->get(), Milliseconds{0}, "the maildrop");
  if (!lock) return fail(lock);
  return SessionLock(*std::move(fd), *std::move(lock));
}

}  // namespace facteur::store
