// The door of one smtpd or login process: its SASL attempts, its questions about accounts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "auth/checker.h"
#include "auth/connection_counter.h"
#include "auth/doors.h"
#include "auth/exchange.h"
#include "auth/keeper.h"
#include "auth/tickets.h"
#include "common/ipc/door.h"

namespace facteur::auth {

/// What all doors share.
struct Parts {
  loop::Loop& loop;
  Keeper& keeper;
  Checker& checker;
  Tickets& tickets;
  Gate& names;  ///< for questions to the name service
  std::string host;
  Seconds attempt_timeout;
};

/// What is known of an account, by its name; at once or later, on the loop.
void find_account(Parts& parts, const std::string& name, const std::function<void(const Found&)>& callback);

class ClientDoor {
 public:
  /// Takes over a door that is not open yet. `closed` runs once when it has closed, and may destroy this.
  ClientDoor(Parts& parts, std::uint32_t instance, std::unique_ptr<ipc::Door> door, std::function<void()> closed);

  /// Gives up the attempts that have taken too long.
  void sweep(MonotonicTime now);
  void send_tables();
  /// For an smtpd: its connections count in `places`, which must outlive this.
  void count_connections(Places& places) { connections_.emplace(places, *door_); }

  /// Attempts that one process may have open; a protocol that has one a connection does not come near.
  static constexpr std::size_t max_attempts = 5000;

 private:
  struct Attempt {
    Service service = Service::imap;
    net::Ip client;
    std::string mechanism;
    std::optional<Exchange> exchange;  ///< until it is over
    Ticket checking;                   ///< after it
    MonotonicTime until;
  };
  void start(const SaslStart& start);
  void step(const SaslStep& step);
  void go_on(std::uint64_t id, Attempt& attempt, Exchange::Next next);
  void conclude(std::uint64_t id, const std::string& shown, const Verdict& verdict);
  void answer(const AccountQuery& query);

  Parts& parts_;
  std::uint32_t instance_;
  std::unique_ptr<ipc::Door> door_;
  std::map<std::uint64_t, Attempt> attempts_;
  std::optional<ConnectionCounter> connections_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::auth
