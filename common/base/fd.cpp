#include "common/base/fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace facteur {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);  // the result is of use only where data was written, and fs::close_synced() is for that
  fd_ = fd;
}

Fd Fd::duplicate() const {
  return Fd(::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
}

}  // namespace facteur
