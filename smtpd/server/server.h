// The SMTP server process: listeners, connections, doors, and how it stops.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <vector>

#include "common/dns/resolver.h"
#include "common/net/listener.h"
#include "common/process/program.h"
#include "smtpd/server/client.h"
#include "smtpd/server/judge.h"
#include "smtpd/server/maildrop.h"
#include "smtpd/server/queue_door.h"

namespace facteur::smtpd {

class Server {
 public:
  explicit Server(process::Program& program);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Keys, resolver, listeners: what needs files. Before the jail. What cannot be served is logged and left out.
  void prepare();

 private:
  using Clients = std::list<std::unique_ptr<Client>>;

  void prepare_listeners();
  void accepted(const std::shared_ptr<const Listener>& listener, Fd socket);
  [[nodiscard]] std::optional<ClientFacts> facts_of(const Listener& listener, int socket) const;
  [[nodiscard]] std::optional<smtp::Reply> refusal(const Listener& listener, const ClientFacts& facts) const;
  void gone(Clients::iterator client);
  void stop_accepting();
  void end_when_idle();

  process::Program& program_;
  AuthDoor authd_;
  Judge judge_;
  QueueDoor queue_;
  std::unique_ptr<dns::Resolver> resolver_;
  std::unique_ptr<Surroundings> surroundings_;
  std::unique_ptr<Maildrop> maildrop_;
  std::vector<std::unique_ptr<net::Acceptor>> acceptors_;
  Clients clients_;
  std::map<std::string, unsigned> by_caller_;  ///< by Client::caller(); authd counts those of all smtpd processes
  std::size_t local_clients_ = 0;
  bool ending_ = false;
};

}  // namespace facteur::smtpd
