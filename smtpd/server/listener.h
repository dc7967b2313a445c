// A listener of smtpd with the settings that hold on it.
#pragma once

#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/address.h"
#include "common/smtp/reply.h"
#include "common/tls/context.h"
#include "config/settings.h"
#include "master/doors.h"
#include "smtpd/policy/facts.h"
#include "smtpd/session/limits.h"

namespace facteur::smtpd {

/// What a connection needs to know of where it came in. Lives as long as any of them.
struct Listener {
  Role role = Role::smtp;
  std::string name;  ///< "smtps 127.0.0.1:465", for the log
  bool implicit_tls = false;
  Limits limits;       ///< for clients that may not log in without TLS
  Limits open_limits;  ///< for those that may (allow_plaintext_from)
  std::vector<net::Cidr> plaintext_from;
  std::shared_ptr<const tls::Context> tls;  ///< empty: no TLS here
  unsigned connection_count_limit = 0;      ///< of one client; 0: none
  std::vector<net::Cidr> mynetworks;        ///< and without that limit; they may relay

  [[nodiscard]] const Limits& limits_for(const net::Ip& client) const;
  [[nodiscard]] bool is_mine(const net::Ip& client) const;  ///< in mynetworks
  /// Whether connections of this client are limited at all: those of mynetworks and of root are not.
  [[nodiscard]] bool limits_count(const ClientFacts& client) const;
  /// What a client hears that has too many; `caller` is Client::caller_of it.
  [[nodiscard]] smtp::Reply too_many(const std::string& caller) const;
};

/// The listener that master gave, with the overrides of its entry in `listeners`. Kind::permanent if it cannot be
/// served: TLS is wanted at once, and there is no certificate.
[[nodiscard]] Result<std::shared_ptr<const Listener>> make_listener(const config::Settings& settings,
                                                                    const master::Listener& from,
                                                                    std::shared_ptr<const tls::Context> tls);

/// The settings of a session, from all settings.
[[nodiscard]] Limits session_limits(const config::Settings& settings, Role role, bool tls_available);

}  // namespace facteur::smtpd
