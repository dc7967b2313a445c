// What a rule of smtpd decided, with the reason: the daemon acts on it, the log prints it, `facteur explain` shows it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/smtp/reply.h"

namespace facteur::smtpd {

/// What to do about a command.
enum class Action : std::uint8_t {
  accept,
  reject,   ///< with the reply, 4xx or 5xx
  look_up,  ///< ask whether `account` exists, then judge again with the answer
};

/// The record of one decision.
struct Decision {
  Action action = Action::reject;
  smtp::Reply reply;
  std::string rule;                                            ///< name of the rule that decided: "relay"
  std::vector<std::pair<std::string, std::string>> looked_up;  ///< the values that it looked at, for people
  std::string account{};                                       ///< look_up: which one
  std::string domain{};  ///< accept: in the place of the recipient's, which names this host
  bool ours = false;     ///< mail for the recipient ends here, where local-parts are compared without case

  /// "relay: reject 554 5.7.1 …; domain=other.example, login=" in one line.
  [[nodiscard]] std::string explain() const;
};

}  // namespace facteur::smtpd
