// The client's side of one SMTP or LMTP connection, without I/O: octets in, octets out, and what is to be done next.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/line_buffer.h"
#include "common/mime/seven_bit_plan.h"
#include "common/smtp/reply.h"
#include "config/types.h"
#include "delivery/remote/content_encoder.h"
#include "delivery/remote/extensions.h"
#include "delivery/remote/transaction.h"

namespace facteur::remote {

/// What is waited for, named as Postfix names its timeouts: smtp_helo_timeout, and so on.
enum class Deadline : std::uint8_t { helo, starttls, mail, rcpt, data_init, data_xfer, data_done, rset };

/// One connection from its greeting to its end. Any number of messages go through it one after the other: send(), the
/// content when it is wanted, the outcomes when finished(); then again, or quit().
///
/// Commands go out in groups where the server allows it (RFC 2920). Each reply answers the oldest command without one;
/// a reply too many, one that changes its mind within its lines, or one of the wrong class ends the connection, and
/// whoever has no result yet waits. Nothing the server says before the last octet of the content can deliver it.
class Client {
 public:
  struct Options {
    std::string name;  ///< in EHLO: smtp_helo_name
    std::string peer;  ///< in texts: "mx.example.org[192.0.2.1]"
    std::uint16_t port = 25;
    config::TlsLevel tls = config::TlsLevel::may;
    bool lmtp = false;                    ///< LHLO, and one reply for each recipient (RFC 2033)
    std::size_t line_length_limit = 998;  ///< smtp_line_length_limit
    bool convert = true;                  ///< not disable_mime_output_conversion
  };

  explicit Client(Options options);

  /// Octets of the server.
  void feed(std::string_view octets);
  /// Octets for the server; empty if there are none now.
  [[nodiscard]] std::string take_output() { return std::exchange(out_, {}); }
  /// The server closed the connection, or it broke.
  void lost();
  /// deadline() passed without progress().
  void timed_out();

  /// The handshake is to be made now; until tls_started() nothing may be fed.
  [[nodiscard]] bool wants_tls() const { return wants_tls_; }
  void tls_started();
  /// The handshake did not succeed; the connection is of no use any more.
  void tls_failed(std::string_view why);
  /// The handshake failed, or what came of it, and a new connection without TLS is in order: no recipient has a
  /// result.
  [[nodiscard]] bool retry_in_clear() const { return retry_in_clear_; }

  /// The next message: at the start, or when ready().
  void send(Mail mail);
  /// Content is wanted: give_content() soon. It may be wanted twice, from its beginning: first to see how it can be
  /// converted for a server without 8BITMIME, then to be sent.
  [[nodiscard]] bool wants_content() const { return phase_ == Phase::survey || phase_ == Phase::content; }
  /// A piece of the content, line ends CRLF; `last` with its end.
  void give_content(std::string_view octets, bool last);
  /// The content cannot be read to its end: the connection ends, the server has no whole message.
  void content_failed(std::string_view why);
  /// The driver gives up, or never got a connection: whoever has no result yet waits, with this status and text.
  void abandon(std::string status, std::string text);
  /// Every recipient has its outcome, and no more is to be heard of them.
  [[nodiscard]] bool finished() const;
  /// The outcomes of the message, once; the client is then free for another.
  [[nodiscard]] std::vector<Outcome> take_outcomes();
  /// Waits for a message.
  [[nodiscard]] bool ready() const { return phase_ == Phase::idle && !transaction_; }
  /// The server has said hello, under TLS where that is wanted: mail may be said.
  [[nodiscard]] bool established() const { return established_; }
  /// No reply has come since send(): a connection used before may simply have gone, and a new one may be tried.
  [[nodiscard]] bool untouched() const { return !touched_; }

  /// Says QUIT if the server may hear it, and closes without waiting for the answer.
  void quit();
  /// To be closed, once take_output() is sent.
  [[nodiscard]] bool closed() const { return phase_ == Phase::closed; }

  [[nodiscard]] Deadline deadline() const;
  /// Changes when something was achieved: the deadline then counts anew. One octet of a reply is no achievement.
  [[nodiscard]] std::uint64_t progress() const { return progress_; }
  [[nodiscard]] bool tls_active() const { return tls_active_; }
  /// The content of this message goes out converted.
  [[nodiscard]] bool converts() const { return encoder_.converts(); }

 private:
  enum class Phase : std::uint8_t { hello, idle, survey, envelope, data, content, resetting, closed };
  enum class Verb : std::uint8_t { greeting, ehlo, helo, lhlo, starttls, mail, rcpt, data, end_of_data, rset };
  struct Command {
    std::string_view name;   ///< in "(in reply to … command)"
    std::string_view doing;  ///< in "lost connection with … while …"
    Deadline deadline;
    void (Client::*handle)(const smtp::Reply& reply, std::size_t recipient);
  };
  struct Expected {
    Verb verb;
    std::size_t recipient = 0;
  };
  static const std::array<Command, 10> commands;
  static const Command& command(Verb verb) { return commands[static_cast<std::size_t>(verb)]; }

  void greeting(const smtp::Reply& reply, std::size_t);
  void ehlo(const smtp::Reply& reply, std::size_t);
  void helo(const smtp::Reply& reply, std::size_t);
  void starttls(const smtp::Reply& reply, std::size_t);
  void mail(const smtp::Reply& reply, std::size_t);
  void rcpt(const smtp::Reply& reply, std::size_t recipient);
  void data(const smtp::Reply& reply, std::size_t);
  void end_of_data(const smtp::Reply& reply, std::size_t recipient);
  void rset(const smtp::Reply& reply, std::size_t);

  void run();
  void handle(const smtp::Reply& reply);
  void say(Verb verb, std::string_view line, std::size_t recipient = 0);
  void say_hello();
  void after_hello();
  void start_mail();
  void survey(std::string_view octets, bool last);
  void start_envelope();
  void send_commands();
  void after_envelope_reply();
  void end_content();
  void reset();
  void close(const Failure& failure);
  void broken(std::string_view why);
  [[nodiscard]] std::optional<Failure> refusal_of_ours() const;
  [[nodiscard]] std::string mail_command() const;
  [[nodiscard]] std::string_view doing() const;

  Options options_;
  Phase phase_ = Phase::hello;
  LineBuffer in_;
  std::string out_;
  smtp::ReplyParser parser_;
  std::deque<Expected> expected_;
  Extensions extensions_;
  std::optional<Transaction> transaction_;
  std::size_t next_step_ = 0;  ///< of the envelope: 0 is MAIL, then the recipients, then DATA
  std::optional<mime::SevenBitSurvey> survey_;
  ContentEncoder encoder_;
  std::uint64_t progress_ = 0;
  bool tls_active_ = false;
  bool wants_tls_ = false;
  bool tls_refused_ = false;
  bool retry_in_clear_ = false;
  bool established_ = false;
  bool touched_ = false;
  bool content_sent_ = false;
};

}  // namespace facteur::remote
