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

#include "cli/commands.h"
#include "cli/sendmail/submit.h"
#include "common/base/line_buffer.h"
#include "common/fs/files.h"
#include "common/smtp/reply.h"

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

/// The replies that go by.
class Replies {
 public:
  void see(std::string_view octets) {
    if (malformed_) return;
    in_.append(octets);
    for (;;) {
      const auto reply = parser_.next(in_);
      malformed_ = !reply;
      if (!reply || !*reply) return;
      last_code_ = (*reply)->code;
    }
  }
  /// 0 before the first.
  [[nodiscard]] int last_code() const { return last_code_; }

 private:
  LineBuffer in_;
  smtp::ReplyParser parser_;
  bool malformed_ = false;
  int last_code_ = 0;
};

/// What `from` has now; empty at its end.
Result<std::string> read_now(int from) {
  constexpr std::size_t piece = 64 * 1024;
  std::string octets(piece, '\0');
  for (;;) {
    const auto count = ::read(from, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read", errno);
    octets.resize(static_cast<std::size_t>(count));
    return octets;
  }
}

/// smtpd has closed. Who hears nothing but the status must learn of a message that was not taken.
int status_at_end(int last_code) {
  constexpr int start_mail_input = 354;
  constexpr int closing = 421;
  if (last_code == start_mail_input) return complain(EX_DATAERR, "stdin ended within a message: it was not accepted");
  return last_code == closing ? EX_TEMPFAIL : EX_OK;
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
  Replies replies;
  std::array<pollfd, 2> ends{{{STDIN_FILENO, POLLIN, 0}, {socket->get(), POLLIN, 0}}};
  for (;;) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return EX_OSERR;
    if (ends[1].revents != 0) {
      const auto said = read_now(socket->get());
      if (said && said->empty()) return status_at_end(replies.last_code());
      if (!said || !fs::system_files().write(STDOUT_FILENO, *said)) return EX_IOERR;
      replies.see(*said);
    }
    if (ends[0].revents != 0) {
      const auto given = read_now(STDIN_FILENO);
      const bool more = given && !given->empty();
      if (!more || !fs::system_files().write(socket->get(), line_ends.translate(*given))) {
        // smtpd answers what it has got, and closes.
        (void)::shutdown(socket->get(), SHUT_WR);
        ends[0].fd = -1;
      }
    }
    ends[0].revents = ends[1].revents = 0;
  }
}

}  // namespace facteur::cli::sendmail
