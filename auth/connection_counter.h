// The SMTP connections of one smtpd, counted by address together with those of all others
// (smtpd_client_connection_count_limit): Postfix's anvil(8) in small.
#pragma once

#include <cstdint>
#include <map>

#include "auth/doors.h"
#include "auth/places.h"
#include "common/ipc/door.h"

namespace facteur::auth {

/// Answers what a door asks about connections. What it has told is forgotten with this: an smtpd that died has none.
class ConnectionCounter {
 public:
  /// Both must outlive this.
  ConnectionCounter(Places& places, ipc::Door& door);
  ConnectionCounter(const ConnectionCounter&) = delete;
  ConnectionCounter& operator=(const ConnectionCounter&) = delete;

 private:
  void count(const CountConnection& question);
  void take_over(const OpenConnections& open);
  bool take(const OpenConnection& connection, std::uint64_t limit);

  Places& places_;
  ipc::Door& door_;
  std::map<std::uint64_t, Places::Place> open_;  ///< by the asker's id
};

}  // namespace facteur::auth
