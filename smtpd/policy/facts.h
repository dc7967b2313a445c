// What the rules of smtpd decide from. Facts are values: who makes them has asked DNS, authd and the tables before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/address/address.h"
#include "common/net/address.h"
#include "common/route/tables.h"

namespace facteur::smtpd {

/// What a listener is for.
enum class Role : std::uint8_t {
  smtp,        ///< port 25: mail from other hosts
  submission,  ///< ports 587 and 465: our users, who must log in (RFC 6409)
  local,       ///< the submit socket: a user of this machine, whom the kernel names
};

/// The client and its session so far.
struct ClientFacts {
  Role role = Role::smtp;
  net::Ip ip;
  net::Ip local_ip;              ///< our end of the connection
  std::string name = "unknown";  ///< verified host name: its PTR record whose address record leads back (else unknown)
  std::string login;             ///< who authenticated, or whom the kernel named; empty for nobody
  std::uint32_t uid = 0;         ///< whom the kernel named
  bool tls = false;
  bool in_mynetworks = false;  ///< those of its listener
  std::string greeted_by;      ///< what we call ourselves on its listener
};

/// What authd said of a mailbox.
enum class Mailbox : std::uint8_t { exists, unknown, temporary };

/// One recipient, and what was found out about it.
struct RecipientFacts {
  ClientFacts client;
  std::string helo;
  address::Address reverse_path;
  address::Address recipient;
  std::optional<Mailbox> mailbox;  ///< nothing: nobody has asked yet
};

/// The tables and settings that the rules look at.
struct Rules {
  route::Tables tables;  ///< our domains, and what replaces addresses in them
  std::vector<net::Ip> own_addresses;
  std::string hostname;  ///< what we call ourselves; need not be one of our domains
};

}  // namespace facteur::smtpd
