// The base64 lines of AUTH and AUTHENTICATE between a client and an Authenticator: the same in POP3 (RFC 5034), IMAP
// (RFC 3501 section 6.2.2, RFC 4959) and SMTP (RFC 4954), whose replies around them differ.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/login/authenticator.h"

namespace facteur::login {

/// What an exchange came to.
struct SaslEvent {
  enum class Type : std::uint8_t {
    challenge,    ///< send "+ " and `challenge`; the client's next line goes to line()
    granted,      ///< logged in: see `granted`
    denied,       ///< wrong name or password
    cancelled,    ///< the client sent "*"
    malformed,    ///< not base64, too long, or an answer nobody asked for
    unavailable,  ///< temporary: authd could not say
  };
  Type type = Type::unavailable;
  std::string challenge{};  ///< base64
  Granted granted{};
};

/// One exchange at a time; after any event but a challenge it is over, and start() begins another.
class SaslExchange {
 public:
  /// `done` gets the events that come later than the call that caused them; it may not destroy the exchange.
  SaslExchange(Authenticator& authenticator, std::function<void(SaslEvent)> done);
  ~SaslExchange();
  SaslExchange(const SaslExchange&) = delete;
  SaslExchange& operator=(const SaslExchange&) = delete;

  /// Begins with the mechanism's name in any case and the initial response as the client wrote it: base64, "=" for an
  /// empty one, nothing if there was none. Returns what is known at once; otherwise the event comes through `done`.
  [[nodiscard]] std::optional<SaslEvent> start(std::string_view mechanism, std::optional<std::string_view> initial);
  /// Begins with octets that are not base64 (USER and PASS, LOGIN).
  void start_plain(std::string message);
  /// The client's line without its line end, while expects_line().
  [[nodiscard]] std::optional<SaslEvent> line(std::string_view text);
  /// True when the client's next line belongs to this exchange.
  [[nodiscard]] bool expects_line() const { return state_ == State::challenged || state_ == State::last; }
  /// True while the Authenticator is thinking.
  [[nodiscard]] bool waiting() const { return state_ == State::waiting; }

 private:
  enum class State : std::uint8_t { idle, waiting, challenged, last };
  void verdict(Verdict verdict);
  SaslEvent event(Verdict verdict);
  SaslEvent give_up(SaslEvent::Type why);

  Authenticator& authenticator_;
  std::function<void(SaslEvent)> done_;
  Ticket ticket_;
  std::optional<Granted> granted_;  ///< while the client has yet to acknowledge the mechanism's last octets
  State state_ = State::idle;
};

}  // namespace facteur::login
