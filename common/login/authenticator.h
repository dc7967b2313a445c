// Who checks a login: the question that the login engines of POP3 and IMAP ask, and the answers there are. In a server
// authd answers it through its door; in tests a table does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/ticket.h"

namespace facteur::login {

/// The mechanism wants another response to these octets (not yet base64).
struct Challenge {
  std::string octets;
};
/// The login is good.
struct Granted {
  std::string ticket;                      ///< what master redeems at authd for the account
  std::string user;                        ///< for the log
  std::optional<std::string> last_octets;  ///< what the mechanism still tells the client (RFC 4422 section 3.6)
};
/// Wrong name or password; which one is not told.
struct Denied {};
/// Nobody could tell: authd is away or busy. Never to be taken for a wrong password.
struct Unavailable {};

using Verdict = std::variant<Challenge, Granted, Denied, Unavailable>;

/// One connection's way to authd. There is at most one attempt at a time; each start() is a new one (RFC 4422 section
/// 3.1 allows no restart inside an exchange), with a new SASL object behind it.
class Authenticator {
 public:
  using Callback = std::function<void(Verdict)>;

  virtual ~Authenticator() = default;
  /// Begins an attempt with `mechanism` (upper case). `initial` is the client's first response in octets; nothing if it
  /// sent none, which is not the same as an empty one. The callback runs at most once, after this call has returned.
  [[nodiscard]] virtual Ticket start(std::string_view mechanism, std::optional<std::string> initial,
                                     Callback callback) = 0;
  /// Answers the last challenge.
  [[nodiscard]] virtual Ticket step(std::string response, Callback callback) = 0;
  /// Gives up the attempt under way, if there is one.
  virtual void cancel() = 0;
};

/// The message of the PLAIN mechanism (RFC 4616) for a name and a password that came by a command of their own (USER
/// and PASS, LOGIN). Nothing if the name is empty or either holds a NUL, which would shift the fields.
[[nodiscard]] std::optional<std::string> plain_message(std::string_view user, std::string_view password);

}  // namespace facteur::login
