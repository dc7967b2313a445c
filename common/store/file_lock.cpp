// Open file description locks, waited for with a bound.
#include "common/store/file_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "common/base/strings.h"

namespace facteur::store {
namespace {

int set_lock(int fd, short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &lock);
}

}  // namespace

void pause_for(Milliseconds time) {
  std::this_thread::sleep_for(time);
}

Result<FileLock> FileLock::take(int fd, Milliseconds most, std::string_view what) {
  const auto locked = try_until(most, [&]() -> Result<bool> {
    if (set_lock(fd, F_WRLCK) == 0) return true;
    if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
    return fail_errno("lock " + printable(what), errno);
  });
  if (!locked) return fail(locked);
  if (!*locked) return fail(Kind::timeout, printable(what) + " is locked by another process");
  return FileLock(fd);
}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileLock::release() {
  if (fd_ >= 0) (void)set_lock(std::exchange(fd_, -1), F_UNLCK);
}

}  // namespace facteur::store
