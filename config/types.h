// The types of settings that are more than a number or a text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/net/address.h"

namespace facteur::config {

/// smtpd_forbid_bare_newline: what a line that ends in LF without CR meets (Postfix 3.9).
enum class BareNewline : std::uint8_t { normalize, reject, allow };
/// smtp_tls_security_level, smtpd_tls_security_level: no TLS, when the other side can, always.
enum class TlsLevel : std::uint8_t { none, may, encrypt };
/// worker_per: what shares one worker process.
enum class WorkerPer : std::uint8_t { uid, account };
/// inet_protocols: the versions of IP in use.
enum class IpVersions : std::uint8_t { all, ipv4, ipv6 };

/// What is spoken on a listener.
enum class Role : std::uint8_t { smtp, submission, pop3, imap };
/// When TLS begins on a listener: never, on request (STARTTLS, STLS), at once.
enum class TlsMode : std::uint8_t { none, starttls, implicit };

/// One listening socket. `overrides` holds other values of settings on it: name to YAML text.
struct Listener {
  net::Endpoint endpoint;
  Role role = Role::smtp;
  TlsMode tls = TlsMode::none;
  std::map<std::string, std::string> overrides;
  friend bool operator==(const Listener&, const Listener&) = default;
};

/// A table of names with lists of values: written inline, or in a YAML file of its own (`file:path`).
struct Table {
  std::string file;                                         ///< empty: inline
  std::map<std::string, std::vector<std::string>> entries;  ///< inline only
  friend bool operator==(const Table&, const Table&) = default;
};

}  // namespace facteur::config
