// The doors of authd: what smtpd, the login processes, queued and master may say to it, and what it answers. Numbers
// from 100 on: its door to master carries the messages of master/doors.h as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "common/base/fd.h"

namespace facteur::auth {

enum class Service : std::uint8_t { smtp, pop3, imap };

/// smtpd and the login processes: begins an attempt. `id` is the asker's; `initial` is decoded from base64.
/// There is one attempt an id; authd forgets it after its last reply, after `auth_attempt_timeout`, and with the door.
struct SaslStart {
  static constexpr std::uint16_t type = 101;
  std::uint64_t id = 0;
  Service service = Service::smtp;
  std::string mechanism;
  std::optional<std::string> initial;
  std::string client_ip;
  bool tls = false;
  auto fields() { return std::tie(id, service, mechanism, initial, client_ip, tls); }
};
struct SaslStep {
  static constexpr std::uint16_t type = 102;
  std::uint64_t id = 0;
  std::string response;
  auto fields() { return std::tie(id, response); }
};
struct SaslCancel {
  static constexpr std::uint16_t type = 103;
  std::uint64_t id = 0;
  auto fields() { return std::tie(id); }
};

enum class SaslOutcome : std::uint8_t { challenge, success, failure, temporary };
/// The answer to SaslStart and SaslStep. With success: `login` (canonical, "alice@example.test") and, for the login
/// services, a ticket of 16 random octets that master redeems.
struct SaslReply {
  static constexpr std::uint16_t type = 104;
  std::uint64_t id = 0;
  SaslOutcome outcome = SaslOutcome::failure;
  std::string challenge;
  std::string login;
  std::string ticket;
  std::string text;  ///< for the log, when it is not success
  auto fields() { return std::tie(id, outcome, challenge, login, ticket, text); }
};

/// smtpd: is there an account of this name? `account` is "local-part@domain", already expanded by the tables.
struct AccountQuery {
  static constexpr std::uint16_t type = 105;
  std::uint64_t id = 0;
  std::string account;
  auto fields() { return std::tie(id, account); }
};
enum class Existence : std::uint8_t { exists, unknown, temporary };
struct AccountAnswer {
  static constexpr std::uint16_t type = 106;
  std::uint64_t id = 0;
  Existence existence = Existence::temporary;
  auto fields() { return std::tie(id, existence); }
};

/// authd, to smtpd and queued, at the start and at each change: the compiled tables (route::Tables) in sealed memory.
struct NewTables {
  static constexpr std::uint16_t type = 107;
  Fd memory;
  auto fields() { return std::tie(memory); }
};

/// A connection that smtpd counts with those of all other smtpd processes (smtpd_client_connection_count_limit).
struct OpenConnection {
  std::uint64_t id = 0;  ///< the asker's, for the life of the connection
  std::string client_ip;
  auto fields() { return std::tie(id, client_ip); }
};
/// smtpd: a client has connected; may it be served? Not when its address has `limit` connections already.
struct CountConnection {
  static constexpr std::uint16_t type = 113;
  OpenConnection connection;
  std::uint64_t limit = 0;
  auto fields() { return std::tie(connection, limit); }
};
/// The answer. Only one that may be served counts from now on.
struct ConnectionCounted {
  static constexpr std::uint16_t type = 114;
  std::uint64_t id = 0;
  bool served = false;
  auto fields() { return std::tie(id, served); }
};
/// smtpd: it is over. With the door all of its connections are.
struct ConnectionEnded {
  static constexpr std::uint16_t type = 115;
  std::uint64_t id = 0;
  auto fields() { return std::tie(id); }
};
/// smtpd, to a new authd: what it serves already, a part in each message.
struct OpenConnections {
  static constexpr std::uint16_t type = 116;
  std::vector<OpenConnection> connections;
  auto fields() { return std::tie(connections); }
  static constexpr std::size_t max_in_message = 500;
};

/// Whose mailbox it is: what master needs to start a worker, and the worker to open the mail.
struct Account {
  std::string name;         ///< "alice@example.test"
  std::string system_user;  ///< the name in passwd; empty for a virtual account
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
  std::string mail;  ///< mail_location for this account: "maildir:" or "mbox:" and an absolute path
  auto fields() { return std::tie(name, system_user, uid, gid, home, mail); }
};

/// master: takes a ticket, once. It must have been earned by the process `instance`, for this service and client.
struct Redeem {
  static constexpr std::uint16_t type = 108;
  std::uint64_t id = 0;
  std::string ticket;
  Service service = Service::imap;
  std::uint32_t instance = 0;
  std::string client_ip;
  auto fields() { return std::tie(id, ticket, service, instance, client_ip); }
};
/// master: who is this account? Asked before a worker is started for a delivery.
struct Lookup {
  static constexpr std::uint16_t type = 109;
  std::uint64_t id = 0;
  std::string account;
  auto fields() { return std::tie(id, account); }
};
struct AccountRecord {
  static constexpr std::uint16_t type = 110;
  std::uint64_t id = 0;
  Existence existence = Existence::temporary;
  Account account;
  std::string text;
  bool crowded = false;  ///< Redeem: there are mail_max_userip_connections sessions; `text` is for the client
  Fd place;              ///< Redeem: held while the session lasts, and closed with it (session_places.h); may be empty
  auto fields() { return std::tie(id, existence, account, text, crowded, place); }
};

/// master, for `facteur reload` and `newaliases`: read the tables anew, now.
struct ReloadTables {
  static constexpr std::uint16_t type = 111;
  std::uint64_t id = 0;
  auto fields() { return std::tie(id); }
};
struct TablesReloaded {
  static constexpr std::uint16_t type = 112;
  std::uint64_t id = 0;
  std::string problems;  ///< empty if all is well; the old tables stay where there are any
  auto fields() { return std::tie(id, problems); }
};

}  // namespace facteur::auth
