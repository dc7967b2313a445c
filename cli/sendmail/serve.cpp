#include "cli/sendmail/serve.h"

#include <array>
#include <cerrno>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli/sendmail/submit.h"
#include "common/fs/files.h"

namespace facteur::cli::sendmail {
namespace {

/// A caller whose first line ends in LF alone ends all its lines so, as programs of this machine do: each LF becomes
/// CRLF. Of any other caller no octet is changed.
class LineEnds {
 public:
  std::string translate(std::string_view octets) {
    std::string out;
    for (const char c : octets) {
      if (c == '\n' && !bare_) bare_ = last_ != '\r';
      if (c == '\n' && *bare_ && last_ != '\r') out += '\r';
      out += last_ = c;
    }
    return out;
  }

 private:
  std::optional<bool> bare_;  ///< known when the first line is there
  char last_ = 0;
};

/// Copies what `from` has now. 1: go on, 0: its end, -1: an error.
int copy(int from, int to, LineEnds* ends = nullptr) {
  constexpr std::size_t piece = 64 * 1024;
  std::array<char, piece> octets;
  const auto count = ::read(from, octets.data(), octets.size());
  if (count < 0) return errno == EINTR ? 1 : -1;
  if (count == 0) return 0;
  const std::string_view read(octets.data(), static_cast<std::size_t>(count));
  const bool written =
      fs::system_files().write(to, ends != nullptr ? ends->translate(read) : std::string(read)).has_value();
  return written ? 1 : -1;
}

}  // namespace

int serve(const config::Settings& settings) {
  const auto socket = connect_submit(settings);
  if (!socket) {
    constexpr std::string_view closing = "421 4.3.2 The mail system is not running; try again later\r\n";
    (void)fs::system_files().write(STDOUT_FILENO, closing);
    return EX_TEMPFAIL;
  }
  LineEnds line_ends;
  std::array<pollfd, 2> ends{{{STDIN_FILENO, POLLIN, 0}, {socket->get(), POLLIN, 0}}};
  for (;;) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return EX_OSERR;
    if (ends[1].revents != 0) {
      const int state = copy(socket->get(), STDOUT_FILENO);
      if (state <= 0) return state == 0 ? EX_OK : EX_IOERR;
    }
    if (ends[0].revents != 0 && copy(STDIN_FILENO, socket->get(), &line_ends) <= 0) {
      // smtpd answers what it has got, and closes.
      (void)::shutdown(socket->get(), SHUT_WR);
      ends[0].fd = -1;
    }
    ends[0].revents = ends[1].revents = 0;
  }
}

}  // namespace facteur::cli::sendmail
