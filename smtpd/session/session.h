// One client's SMTP dialogue, without I/O (RFC 5321).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>

#include "common/base/ticket.h"
#include "common/login/sasl_exchange.h"
#include "common/smtp/reply.h"
#include "smtpd/session/command_reader.h"
#include "smtpd/session/content.h"
#include "smtpd/session/error_budget.h"
#include "smtpd/session/limits.h"
#include "smtpd/session/services.h"
#include "smtpd/session/trace.h"

namespace facteur::smtpd {

/// Phases of a session; a set of them says where a verb is legal (RFC 5321 section 4.1.4).
enum Phase : std::uint8_t { greeted = 1, ready = 2, in_mail = 4, in_rcpt = 8, any_phase = 15 };

/// What the connection needs next, once all output is sent.
enum class Next : std::uint8_t {
  input,  ///< octets to feed(), while wants_input()
  tls,    ///< STARTTLS was accepted: shake hands, then tls_started()
  pause,  ///< too many errors: resume() after Limits::error_sleep_time; output is held back until then
  close,  ///< end the connection
};

/// Which wait applies now. A change of `request` starts the time anew; while it stays, each octet of content is worth
/// 1 / Limits::min_data_rate seconds more, up to the whole time (smtpd_per_request_deadline of postconf(5)).
struct Deadline {
  bool running = false;  ///< the client is to say something; we are not waiting for ourselves
  std::uint64_t request = 0;
  std::uint64_t content_octets = 0;
};

/// The engine: feed() takes octets as they arrive, in any pieces; replies come from take_output(), at once or, when
/// somebody had to be asked, after on_change's handler was called.
class Session {
 public:
  /// `limits` and what `services` refers to outlive the session.
  Session(const Limits& limits, ClientFacts client, Services services);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// The 220 greeting. Octets that were fed before were sent by an early talker, which is logged.
  void greet();
  void feed(std::string_view octets);
  /// The client has closed its side: what it asked for before is still answered.
  void end_of_input();
  [[nodiscard]] std::string take_output();
  [[nodiscard]] Next next() const;
  /// False while enough is buffered.
  [[nodiscard]] bool wants_input() const;
  void resume();
  /// The handshake is done. `description` is for the Received field ("TLSv1.3 with cipher …"). All that the client said
  /// in clear is forgotten (RFC 3207 section 4.2). With implicit TLS: before greet().
  void tls_started(std::string description);
  /// The time of deadline() is over: 421, and close.
  void expire();
  /// The process ends: 421 as soon as no message is under way.
  void shut_down();
  /// Called when output or next() changed by themselves. The handler must not destroy the session.
  void on_change(std::function<void()> handler) { changed_ = std::move(handler); }
  [[nodiscard]] Deadline deadline() const;

  /// "host[192.0.2.1]", for the log.
  [[nodiscard]] const std::string& peer() const { return peer_; }
  /// "ehlo=1 mail=1 rcpt=1/2 data=1 quit=1 commands=5/6": accepted and given, as Postfix writes it.
  [[nodiscard]] std::string statistics() const;

 private:
  struct Wait {};  ///< the reply comes later, through answer()
  struct Close {   ///< reply, and end the session
    smtp::Reply reply;
    std::string why;
  };
  struct Lenient {  ///< an error that is not counted
    smtp::Reply reply;
  };
  using Step = std::variant<smtp::Reply, Wait, Close, Lenient>;

  struct Command {
    std::string_view verb;
    std::uint8_t allowed;  ///< phases in which the verb is legal
    std::uint8_t flags;
    Step (Session::*handle)(std::string_view arguments);
  };
  static constexpr std::size_t command_count = 15;
  static const std::array<Command, command_count> commands;

  /// One mail transaction, from MAIL to the end of data (RFC 5321 section 3.3). Whatever ends it destroys it.
  struct Transaction {
    queue::Envelope envelope;
    address::Address reverse_path;
    std::vector<queue::Recipient> recipients;
    std::unordered_set<std::string> named;  ///< the recipients, in the form in which they are compared
    std::size_t accepted = 0;               ///< RCPT commands, those that name the same recipient again too
    unsigned overshoot = 0;
    std::unique_ptr<Content> content;  ///< from 354 on
  };
  enum class State : std::uint8_t { silent, open, starting_tls, closed };
  struct Count {
    unsigned accepted = 0;
    unsigned given = 0;
  };

  // The loop (session.cpp).
  void run();
  [[nodiscard]] bool step();
  [[nodiscard]] bool waiting() const { return ticket_ || exchange_.waiting(); }
  void answer(const Step& step);
  void conclude(const Step& step);
  void say(const smtp::Reply& reply, bool counted);
  void tally(const smtp::Reply& reply);
  void hang_up(const smtp::Reply& reply, std::string_view why);
  void changed() const;
  void log(std::string_view line) const { services_.log(line); }

  // Lines and commands (dispatch.cpp).
  [[nodiscard]] Step handle_line(const CommandReader::Line& line);
  [[nodiscard]] Step dispatch(std::string_view line);
  [[nodiscard]] Step unknown(std::string_view line);
  [[nodiscard]] Step out_of_order(const Command& command) const;
  [[nodiscard]] Phase phase() const;

  // Commands without a transaction (commands.cpp).
  Step helo(std::string_view arguments);
  Step ehlo(std::string_view arguments);
  Step rset(std::string_view arguments);
  Step noop(std::string_view arguments);
  Step help(std::string_view arguments);
  Step vrfy(std::string_view arguments);
  Step expn(std::string_view arguments);
  Step quit(std::string_view arguments);
  Step starttls(std::string_view arguments);
  Step bdat(std::string_view arguments);
  [[nodiscard]] std::optional<smtp::Reply> take_name(std::string_view name, std::string_view verb);
  [[nodiscard]] bool offers_auth() const;

  // AUTH (auth_command.cpp).
  Step auth(std::string_view arguments);
  Step sasl(std::optional<login::SaslEvent> event);
  Step sasl_result(const login::SaslEvent& event);

  // Transactions (mail_commands.cpp) and content (data_command.cpp).
  Step mail(std::string_view arguments);
  Step rcpt(std::string_view arguments);
  Step judged(const address::Address& recipient, const Decision& decision);
  Step data(std::string_view arguments);
  Step opened(Queue::Opened opened);
  [[nodiscard]] bool read_content();
  [[nodiscard]] Step end_of_data();
  [[nodiscard]] Step finished(const Result<>& result);
  [[nodiscard]] Trace trace(const std::string& queue_id) const;
  [[nodiscard]] bool in_content() const { return transaction_ && transaction_->content; }
  void log_refusal(std::string_view command, const smtp::Reply& reply, const address::Address* recipient) const;

  const Limits& limits_;
  ClientFacts client_;
  Services services_;
  std::string peer_;
  login::SaslExchange exchange_;
  std::function<void()> changed_;

  State state_ = State::silent;
  CommandReader in_;
  std::string out_;
  Ticket ticket_;  ///< the one open question
  std::optional<Transaction> transaction_;
  ErrorBudget budget_{limits_};
  std::array<Count, command_count + 1> counts_{};  ///< the last is for unknown verbs
  std::size_t current_ = command_count;            ///< command whose reply is due
  std::string_view where_ = "CONNECT";             ///< last verb, for the log
  std::uint64_t requests_ = 0;
  std::string helo_;
  std::string tls_;
  std::string sasl_method_;
  bool extended_ = false;  ///< EHLO, not HELO
  bool paused_ = false;
  bool draining_ = false;
  bool end_of_input_ = false;
  bool first_line_ = true;
  bool data_refused_ = false;  ///< what follows may be a message that the client sends without looking
};

}  // namespace facteur::smtpd
