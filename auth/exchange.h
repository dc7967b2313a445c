// One SASL exchange of a client with us, by Cyrus SASL. The mechanism only says which login and password the client has
// shown; whether they are right is decided by the caller, off the loop. An exchange alone never means success.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/doors.h"
#include "common/base/result.h"

namespace facteur::auth {

/// What a client has shown.
struct Credentials {
  std::string login;  ///< in lower case; a name that an account may have
  std::string password;
  std::string acts_as{};  ///< PLAIN's authorization identity, likewise; empty: the login itself
};

/// The library as a whole: plug-ins are loaded from the system's folder, the configuration is handed in here and no
/// configuration file is read. Once in a process, before the jail.
[[nodiscard]] Result<> start_sasl();

class Exchange {
 public:
  /// What comes after a step of the client: exactly one of the three.
  struct Next {
    std::optional<std::string> challenge;    ///< to be sent; the client's response goes to respond()
    std::optional<Credentials> credentials;  ///< the exchange is over
    std::string failure;                     ///< it is over, without; for the log
  };

  /// PLAIN (RFC 4616) or LOGIN. `host` is our name.
  [[nodiscard]] static Result<Exchange> begin(Service service, const std::string& mechanism, const std::string& host);
  /// The initial response, if the client sent one; then each response. At most `max_response` octets.
  [[nodiscard]] Next start(const std::optional<std::string>& initial);
  [[nodiscard]] Next respond(const std::string& response);

  /// 12,288 octets of base64 (RFC 4954 section 4).
  static constexpr std::size_t max_response = 9216;

  struct State;

 private:
  explicit Exchange(std::unique_ptr<State, void (*)(State*)> state) : state_(std::move(state)) {}
  [[nodiscard]] Next next(int result, const char* out, unsigned size);
  std::unique_ptr<State, void (*)(State*)> state_;
};

/// Asks saslauthd whether a system user's password is right (Cyrus SASL's pwcheck_method saslauthd). Blocks.
/// Kind::temporary when it cannot be asked.
[[nodiscard]] Result<bool> ask_saslauthd(Service service, const std::string& user, const std::string& password,
                                         const std::string& socket, const std::string& host);

}  // namespace facteur::auth
