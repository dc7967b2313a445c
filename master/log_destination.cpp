#include "master/log_destination.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fs/files.h"

namespace facteur::master {
namespace {

Result<LogDestination> connect_datagram(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path));
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    return fail_errno("connect to the log at " + path, errno);
  }
  return LogDestination{std::move(socket), log::Framing::syslog};
}

}  // namespace

Result<LogDestination> open_log(const std::string& setting) {
  if (setting == "syslog") return connect_datagram("/dev/log");
  if (setting == "journal") return connect_datagram("/run/systemd/journal/dev-log");
  if (setting == "stderr") {
    // Of a terminal everybody gets what can be written to, not what was opened for reading too.
    Fd copy(::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC));
    if (!copy) copy.reset(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));  // a socket, or a terminal of another user
    if (!copy) return fail_errno("use stderr as the log", errno);
    return LogDestination{std::move(copy), log::Framing::line};
  }
  auto file = fs::system_files().open(AT_FDCWD, setting, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
  if (!file) return fail(file);
  return LogDestination{std::move(*file), log::Framing::line};
}

}  // namespace facteur::master
