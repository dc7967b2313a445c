// How many errors and how much junk a client may send (smtpd_soft_error_limit, smtpd_hard_error_limit and
// smtpd_junk_command_limit of postconf(5)).
#pragma once

#include "smtpd/session/limits.h"

namespace facteur::smtpd {

class ErrorBudget {
 public:
  explicit ErrorBudget(const Limits& limits) : limits_(limits) {}

  /// A command that does no work by itself: NOOP, RSET, EHLO …; errors from the limit on.
  void junk() {
    if (++junk_ > limits_.junk_command_limit) error();
  }
  /// A command that was refused.
  void error() { ++errors_; }
  /// A message was accepted: the client is a useful one, the count begins anew.
  void forgive() { errors_ = junk_ = 0; }

  /// Replies are slowed down from now on.
  [[nodiscard]] bool slow() const { return errors_ > limits_.soft_error_limit; }
  /// The client is sent away.
  [[nodiscard]] bool exhausted() const { return errors_ >= limits_.hard_error_limit; }

 private:
  const Limits& limits_;
  unsigned errors_ = 0;
  unsigned junk_ = 0;
};

}  // namespace facteur::smtpd
