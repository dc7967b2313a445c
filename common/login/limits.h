// Bounds of a connection that nobody has logged in on yet. Each is a setting of the login programs.
#pragma once

#include <cstddef>

#include "common/base/time.h"

namespace facteur::login {

/// A line of a SASL exchange, CRLF included (RFC 4954 section 4, taken for POP3 and IMAP too).
constexpr std::size_t max_sasl_line = 12288;

struct Limits {
  unsigned failures = 5;       ///< failed logins on one connection; then it is closed
  unsigned bad_commands = 10;  ///< commands that are unknown, malformed or out of place before login; then it is closed
  unsigned commands = 100;     ///< commands of any kind before login; then it is closed
  Seconds login_time{60};      ///< from the connection to the good login
  Seconds handshake_time{30};  ///< for TLS
};

}  // namespace facteur::login
