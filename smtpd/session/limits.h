// The settings of one SMTP session, under the names of Postfix (postconf(5)) but for the prefix smtpd_.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/smtp/dot_stuffing.h"

namespace facteur::smtpd {

/// What holds on the listener that a client came through.
struct Limits {
  std::string hostname = "localhost";
  std::string origin = "localhost";               ///< domain of addresses that came without one
  std::string banner = "ESMTP Facteur";           ///< behind the host name
  std::uint64_t message_size_limit = 10'240'000;  ///< octets of content; 0: none
  std::size_t line_length_limit = 2048;
  unsigned hopcount_limit = 50;
  smtp::BareNewline forbid_bare_newline = smtp::BareNewline::normalize;
  bool helo_required = false;
  bool disable_vrfy_command = false;
  unsigned recipient_limit = 1000;
  unsigned recipient_overshoot_limit = 1000;
  unsigned soft_error_limit = 10;
  unsigned hard_error_limit = 20;
  unsigned junk_command_limit = 100;
  Seconds error_sleep_time{1};
  Seconds timeout{300};
  Seconds starttls_timeout{300};
  std::uint64_t min_data_rate = 500;  ///< octets a second

  bool tls_available = false;                ///< there is a certificate: STARTTLS is offered
  bool tls_required = false;                 ///< smtpd_tls_security_level = encrypt
  bool plaintext_auth = false;               ///< AUTH without TLS, for this client
  std::vector<std::string> sasl_mechanisms;  ///< in upper case; empty: no AUTH
};

/// Octets of a command line that are thrown away before the client is given up.
constexpr std::size_t max_discarded = 1U << 20;
/// Octets of a refused message that are read, beyond message_size_limit once more, before the client is given up.
constexpr std::uint64_t max_drained = 64ULL << 20;
/// Octets of a HELO name (RFC 1035 section 2.3.4).
constexpr std::size_t max_helo = 255;

}  // namespace facteur::smtpd
