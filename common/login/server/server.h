// The server of a login program: accepts clients, serves each until it has a worker or is gone, and stays the TLS end
// of those that came by TLS.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "common/ipc/door.h"
#include "common/login/server/auth_client.h"
#include "common/login/server/client.h"
#include "common/login/server/protocol.h"
#include "common/loop/loop.h"
#include "common/net/address.h"
#include "common/net/listener.h"
#include "master/doors.h"

namespace facteur::login {

/// What may differ from listener to listener.
struct ListenerSettings {
  ClientSettings client;                  ///< but for the protocol, which is the server's
  Options engine;                         ///< but for what the connection decides
  bool cleartext_allowed = false;         ///< passwords without TLS from everywhere
  std::vector<net::Cidr> cleartext_from;  ///< and from here in any case
};

struct ServerSettings {
  std::size_t most_sessions = 200;  ///< clients without login, and, counted apart, sessions behind TLS
  Milliseconds auth_patience{60000};
};

class Server final : public ClientHost {
 public:
  /// `master` is asked for workers and must outlive this. `ended` runs when, after retire() or shut_down(), the last
  /// client is gone.
  Server(loop::Loop& loop, Protocol protocol, ServerSettings settings, ipc::Door& master, std::function<void()> ended);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void use_authd(std::unique_ptr<ipc::Door> door) { auth_.use(std::move(door)); }
  /// Accepts on this socket; `own` is what holds there.
  void listen(master::Listener listener, ListenerSettings own);
  /// Accepts no more.
  void retire();
  /// The same; clients without login are told and closed.
  void shut_down();
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  void accepted(Fd socket, master::Tls tls, const ListenerSettings& own);
  void drop_oldest();
  void end_if_empty();
  bool hand_over(std::uint64_t client, master::Handover request) override;
  void logged_in(std::uint64_t client) override;
  void finished(std::uint64_t client) override;

  loop::Loop& loop_;
  Protocol protocol_;
  ServerSettings settings_;
  ipc::Door& master_;
  std::function<void()> ended_;
  AuthClient auth_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
  std::deque<ListenerSettings> listeners_;                    ///< stay: their clients look at them
  std::map<std::uint64_t, std::unique_ptr<Client>> clients_;  ///< the oldest first
  std::uint64_t last_client_ = 0;
  std::size_t sessions_ = 0;  ///< clients behind their login
  bool retired_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace facteur::login
