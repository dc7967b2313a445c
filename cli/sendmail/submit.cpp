#include "cli/sendmail/submit.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>

#include "common/base/line_buffer.h"
#include "common/base/strings.h"
#include "common/smtp/dot_stuffing.h"
#include "common/smtp/reply.h"

namespace facteur::cli::sendmail {
namespace {

/// RFC 5321 section 4.5.3.2 grants the server minutes for each step.
constexpr time_t patience = 300;
constexpr std::size_t piece = 64 * 1024;

/// The two directions of the connection.
class Dialogue {
 public:
  Dialogue(Fd socket, bool verbose) : socket_(std::move(socket)), verbose_(verbose) {}

  /// Sends a command and waits for its reply.
  Result<smtp::Reply> ask(const std::string& command) {
    if (verbose_) std::printf(">>> %s\n", printable(command).c_str());
    if (auto sent = send(command + "\r\n"); !sent) return fail(sent);
    return reply();
  }

  Result<> send(std::string_view octets) {
    while (!octets.empty()) {
      const auto count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("submit socket: send", errno);
      octets.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  Result<smtp::Reply> reply() {
    for (;;) {
      auto reply = parser_.next(in_);
      if (!reply) return fail(reply);
      if (*reply) {
        if (verbose_) std::printf("<<< %s\n", printable((*reply)->line(), smtp::max_reply_text).c_str());
        return std::move(**reply);
      }
      std::array<char, 4096> octets;
      const auto count = ::recv(socket_.get(), octets.data(), octets.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("submit socket: receive", errno);
      if (count == 0) return fail(Kind::closed, "submit socket: smtpd closed the connection");
      in_.append({octets.data(), static_cast<std::size_t>(count)});
    }
  }

  Result<smtp::Reply> send_content(std::string_view content) {
    smtp::DotStuffer stuffer;
    std::string wire;
    for (; !content.empty(); content.remove_prefix(std::min(piece, content.size()))) {
      wire.clear();
      stuffer.write(content.substr(0, piece), wire);
      if (auto sent = send(wire); !sent) return fail(sent);
    }
    wire.clear();
    stuffer.finish(wire);
    if (verbose_) std::printf(">>> (the message, and .)\n");
    if (auto sent = send(wire); !sent) return fail(sent);
    return reply();
  }

 private:
  Fd socket_;
  bool verbose_;
  LineBuffer in_;
  smtp::ReplyParser parser_;
};

/// One batch on its way through the dialogue.
class Submission {
 public:
  explicit Submission(const Batch& batch) : batch_(batch) {}

  Outcome run(Dialogue& dialogue) {
    if (!accepted(dialogue.reply(), EX_UNAVAILABLE)) return end();
    if (!accepted(dialogue.ask(ehlo_command(batch_)), EX_UNAVAILABLE)) return end();
    if (!accepted(dialogue.ask(mail_command(batch_)), EX_NOPERM)) return end();
    if (!name_recipients(dialogue)) return end();
    if (!accepted(dialogue.ask("DATA"), EX_UNAVAILABLE)) return end();
    if (!accepted(dialogue.send_content(batch_.content), EX_DATAERR)) return end();
    outcome_.sent = taken_.size();
    taken_.clear();
    (void)dialogue.ask("QUIT");
    return end();
  }

 private:
  /// True for 2xx and 3xx. A 5xx is the end for all recipients that are left, anything else postpones them.
  bool accepted(const Result<smtp::Reply>& reply, int code_of_refusal) {
    if (reply && (reply->positive() || reply->intermediate())) return true;
    if (reply && reply->permanent()) {
      refuse(code_of_refusal, "the message is refused: " + reply->line());
      taken_.clear();
      outcome_.postponed.clear();
      left_ = 0;
    } else {
      outcome_.why_postponed = reply ? reply->line() : reply.error().text;
    }
    return false;
  }

  /// False if nobody is left to send to, or the connection is broken.
  bool name_recipients(Dialogue& dialogue) {
    for (const auto& recipient : batch_.recipients) {
      const auto reply = dialogue.ask(rcpt_command(recipient));
      if (!reply) {
        outcome_.why_postponed = reply.error().text;
        return false;
      }
      --left_;
      if (reply->positive()) {
        taken_.push_back(recipient);
      } else if (reply->permanent()) {
        refuse(EX_NOUSER, recipient + " is refused: " + reply->line());
      } else {
        outcome_.postponed.push_back(recipient);
        outcome_.why_postponed = reply->line();
      }
    }
    return !taken_.empty();
  }

  void refuse(int code, std::string line) {
    if (outcome_.exit_code == EX_OK) outcome_.exit_code = code;
    outcome_.refusals.push_back(printable(line));
  }

  /// Who was taken and has no message yet, and who was not asked yet, waits.
  Outcome end() {
    auto& postponed = outcome_.postponed;
    postponed.insert(postponed.end(), taken_.begin(), taken_.end());
    postponed.insert(postponed.end(), batch_.recipients.end() - static_cast<std::ptrdiff_t>(left_),
                     batch_.recipients.end());
    return std::move(outcome_);
  }

  const Batch& batch_;
  Outcome outcome_;
  std::vector<std::string> taken_;
  std::size_t left_ = batch_.recipients.size();
};

}  // namespace

Result<Fd> connect_submit(const config::Settings& settings) {
  const std::string path = settings.run_directory + "/submit";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail(Kind::temporary, path + ": the path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("socket", errno);
  const timeval wait{patience, 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return fail_errno(path, errno);
  }
  return socket;
}

Outcome submit(const config::Settings& settings, const Batch& batch, bool verbose) {
  auto socket = connect_submit(settings);
  if (!socket) return Outcome{EX_OK, {}, 0, batch.recipients, socket.error().text};
  Dialogue dialogue(std::move(*socket), verbose);
  return Submission(batch).run(dialogue);
}

}  // namespace facteur::cli::sendmail
