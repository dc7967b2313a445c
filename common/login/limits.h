// What a login engine is told of its connection, and the bounds of a connection that nobody has logged in on yet.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/base/time.h"

namespace facteur::login {

/// A line of a SASL exchange, CRLF included (RFC 4954 section 4, taken for POP3 and IMAP too).
constexpr std::size_t max_sasl_line = 12288;

struct Limits {
  unsigned failures = 5;       ///< failed logins on one connection; then it is closed
  unsigned bad_commands = 10;  ///< commands that are unknown, malformed or out of place before login; then it is closed
  unsigned commands = 100;     ///< commands of any kind before login; then it is closed
};

struct Options {
  std::string hostname;            ///< for the greeting
  bool tls_offered = false;        ///< STLS or STARTTLS is possible
  bool tls_active = false;         ///< the connection began with TLS
  bool cleartext_allowed = false;  ///< passwords without TLS are taken from this client
  std::vector<std::string> mechanisms{"PLAIN", "LOGIN"};
  Limits limits;
};

}  // namespace facteur::login
