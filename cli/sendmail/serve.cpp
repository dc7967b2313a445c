#include "cli/sendmail/serve.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/sendmail/submit.h"
#include "common/fs/files.h"

namespace facteur::cli::sendmail {
namespace {

/// Copies what `from` has now. 1: go on, 0: its end, -1: an error.
int copy(int from, int to) {
  constexpr std::size_t piece = 64 * 1024;
  std::array<char, piece> octets;
  const auto count = ::read(from, octets.data(), octets.size());
  if (count < 0) return errno == EINTR ? 1 : -1;
  if (count == 0) return 0;
  const std::string_view read(octets.data(), static_cast<std::size_t>(count));
  return fs::system_files().write(to, read) ? 1 : -1;
}

}  // namespace

int serve(const config::Settings& settings) {
  const auto socket = connect_submit(settings);
  if (!socket) {
    constexpr std::string_view closing = "421 4.3.2 The mail system is not running; try again later\r\n";
    (void)fs::system_files().write(STDOUT_FILENO, closing);
    return EX_TEMPFAIL;
  }
  std::array<pollfd, 2> ends{{{STDIN_FILENO, POLLIN, 0}, {socket->get(), POLLIN, 0}}};
  for (;;) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return EX_OSERR;
    if (ends[1].revents != 0) {
      const int state = copy(socket->get(), STDOUT_FILENO);
      if (state <= 0) return state == 0 ? EX_OK : EX_IOERR;
    }
    if (ends[0].revents != 0 && copy(STDIN_FILENO, socket->get()) <= 0) {
      // smtpd answers what it has got, and closes.
      (void)::shutdown(socket->get(), SHUT_WR);
      ends[0].fd = -1;
    }
    ends[0].revents = ends[1].revents = 0;
  }
}

}  // namespace facteur::cli::sendmail
