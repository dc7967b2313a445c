#include "smtpd/server/server.h"

#include <sys/socket.h>

#include "common/log/log.h"

namespace facteur::smtpd {

Server::Server(process::Program& program)
    : program_(program),
      authd_(program.loop()),
      judge_(program.loop(), authd_, program.settings()),
      queue_(program.loop(), fs::system_files()) {
}

Server::~Server() = default;

void Server::prepare() {
  const auto& settings = program_.settings();
  constexpr unsigned sync_threads = 32;
  process::size_pool(settings, sync_threads);
  dns::Resolver::Options options;
  for (const auto& server : settings.dns_servers) options.servers.push_back(server.to_string());
  options.off = settings.disable_dns_lookups;
  if (auto resolver = dns::Resolver::create(program_.loop(), options)) {
    resolver_ = std::move(*resolver);
  } else {
    log::warning("no client names: {}", resolver.error().text);
  }
  surroundings_ =
      std::make_unique<Surroundings>(Surroundings{program_.loop(), resolver_.get(), authd_, judge_, queue_});
  maildrop_ =
      std::make_unique<Maildrop>(*surroundings_, session_limits(settings, Role::local, false), program_.master());
  prepare_listeners();

  // Without tables every recipient is put off: it does not count as serving.
  program_.hold_ready();
  authd_.on_tables([this](route::Tables tables) {
    judge_.set_tables(std::move(tables));
    program_.ready();
  });
  program_.on_peer("authd", [this](std::uint32_t, auto door) { authd_.connect(std::move(door)); });
  program_.on_peer("queued", [this](std::uint32_t, auto door) { queue_.connect(std::move(door)); });
  program_.on_retire([this] {
    stop_accepting();
    end_when_idle();
  });
  program_.on_stop([this] {
    (void)program_.master().send(master::Full{});  // who connects now is not to wait for our last client
    stop_accepting();
    for (const auto& client : clients_) client->shut_down();
    end_when_idle();
  });
}

void Server::prepare_listeners() {
  const auto& settings = program_.settings();
  std::shared_ptr<const tls::Context> context;
  if (!settings.tls_certificate.empty()) {
    auto made = tls::Context::server(settings.tls_certificate, settings.tls_key);
    if (made) context = std::move(*made);
    if (!made) log::error("no TLS: {}", made.error().text);
  }
  for (auto& from : program_.start().listeners) {
    auto listener = make_listener(settings, from, context);
    if (!listener) {
      log::error("{}", listener.error().text);
      continue;
    }
    acceptors_.push_back(std::make_unique<net::Acceptor>(program_.loop(), std::move(from.socket)));
    acceptors_.back()->open(
        [this, listener = std::move(*listener)](Fd socket) { accepted(listener, std::move(socket)); });
  }
}

std::optional<ClientFacts> Server::facts_of(const Listener& listener, int socket) const {
  ClientFacts facts;
  facts.role = listener.role;
  facts.greeted_by = listener.limits.hostname;
  if (listener.role == Role::local) {
    ucred caller{};
    socklen_t size = sizeof caller;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &caller, &size) < 0) return std::nullopt;
    facts.uid = caller.uid;
    facts.login = "uid" + std::to_string(caller.uid);
    facts.name = "localhost";
    facts.ip = facts.local_ip = *net::Ip::parse("127.0.0.1");
    return facts;
  }
  const auto peer = net::peer_endpoint(socket);
  const auto local = net::local_endpoint(socket);
  if (!peer || !local) return std::nullopt;  // gone already
  facts.ip = peer->ip;
  facts.local_ip = local->ip;
  facts.in_mynetworks = listener.is_mine(facts.ip);
  return facts;
}

std::optional<smtp::Reply> Server::refusal(const Listener& listener, const ClientFacts& facts) const {
  const bool local = facts.role == Role::local;
  const auto most = program_.settings().smtpd_connection_limit;
  // Users of this machine have half of the places at most: the other half is for mail from outside.
  const auto most_local = (most + 1) / 2;
  if (clients_.size() >= most || (local && facts.uid != 0 && local_clients_ >= most_local)) {
    return smtp::Reply{421, "4.7.0", listener.limits.hostname + " Error: too many connections"};
  }
  // Who has the limit here alone needs no question to authd: a flood stays with us.
  const auto caller = Client::caller_of(facts);
  const auto count = by_caller_.find(caller);
  const bool crowded =
      count != by_caller_.end() && count->second >= listener.connection_count_limit && listener.limits_count(facts);
  if (!crowded) return std::nullopt;
  return listener.too_many(caller);
}

void Server::accepted(const std::shared_ptr<const Listener>& listener, Fd socket) {
  auto facts = facts_of(*listener, socket.get());
  if (!facts || ending_) return;
  const auto refused = refusal(*listener, *facts);
  ++by_caller_[Client::caller_of(*facts)];
  if (facts->role == Role::local) ++local_clients_;
  const auto place = clients_.emplace(clients_.end());
  *place = std::make_unique<Client>(*surroundings_, listener, std::move(socket), std::move(*facts),
                                    [this, place] { gone(place); });
  if (refused) return (*place)->refuse(*refused);
  (*place)->start();
}

void Server::gone(Clients::iterator client) {
  const auto count = by_caller_.find((*client)->caller());
  if (--count->second == 0) by_caller_.erase(count);
  if ((*client)->is_local()) --local_clients_;
  clients_.erase(client);
  end_when_idle();
}

void Server::stop_accepting() {
  ending_ = true;
  for (const auto& acceptor : acceptors_) acceptor->close();
}

void Server::end_when_idle() {
  if (ending_ && clients_.empty() && maildrop_->idle()) program_.end();
}

}  // namespace facteur::smtpd
