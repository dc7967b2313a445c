#include "common/login/server/server.h"

#include <algorithm>
#include <utility>

#include "common/log/log.h"

namespace facteur::login {

Server::Server(loop::Loop& loop, Protocol protocol, ServerSettings settings, ipc::Door& master,
               std::function<void()> ended)
    : loop_(loop),
      protocol_(std::move(protocol)),
      settings_(settings),
      master_(master),
      ended_(std::move(ended)),
      auth_(loop, protocol_.service, settings_.auth_patience) {
  master_.on<master::HandoverReply>([this](const master::HandoverReply& reply) {
    const auto client = clients_.find(reply.id);
    if (client != clients_.end()) client->second->handed_over(reply.admission, reply.text);
  });
}

Server::~Server() {
  *alive_ = false;
}

void Server::listen(master::Listener listener, ListenerSettings own) {
  const auto& kept = listeners_.emplace_back(std::move(own));
  listeners_.back().client.protocol = &protocol_;
  auto acceptor = std::make_unique<net::Acceptor>(loop_, std::move(listener.socket));
  acceptor->open([this, tls = listener.tls, &kept](Fd socket) { accepted(std::move(socket), tls, kept); });
  acceptors_.push_back(std::move(acceptor));
}

void Server::accepted(Fd socket, master::Tls tls, const ListenerSettings& own) {
  const auto peer = net::peer_endpoint(socket.get());
  if (!peer) return;  // gone already
  const bool have_tls = own.client.tls != nullptr;
  if (tls == master::Tls::implicit && !have_tls) {
    return log::error("client=[{}]: refused, there is no certificate for TLS", peer->ip.to_string());
  }
  if (clients_.size() - sessions_ >= settings_.most_sessions) drop_oldest();
  Options options = own.engine;
  options.tls_active = tls == master::Tls::implicit;
  options.tls_offered = have_tls && tls == master::Tls::starttls;
  options.cleartext_allowed = own.cleartext_allowed || std::ranges::any_of(own.cleartext_from, [&](const auto& block) {
                                return block.contains(peer->ip);
                              });
  const auto number = ++last_client_;
  auto client = std::make_unique<Client>(loop_, *this, auth_, own.client, number, std::move(socket), peer->ip,
                                         std::move(options), tls == master::Tls::implicit);
  auto& started = *clients_.emplace(number, std::move(client)).first->second;
  started.start();
  // One client a process: it is alone with its octets (DESIGN section 3, sessions_per_login_process).
  if (settings_.most_sessions == 1) {
    (void)master_.send(master::Full{});
    retire();
  }
}

/// A client that does not log in makes room for one that may: so many idle connections cannot shut others out.
void Server::drop_oldest() {
  const auto oldest = std::ranges::find_if(clients_, [](const auto& entry) { return !entry.second->logged_in(); });
  if (oldest != clients_.end()) oldest->second->expire();
}

bool Server::hand_over(std::uint64_t client, master::Handover request) {
  request.id = client;
  return master_.send(std::move(request));
}

void Server::logged_in(std::uint64_t) {
  ++sessions_;
  if (sessions_ < settings_.most_sessions || retired_) return;
  (void)master_.send(master::Full{});
  retire();
}

void Server::finished(std::uint64_t number) {
  loop_.post([this, number, alive = alive_] {
    if (!*alive) return;
    const auto client = clients_.find(number);
    if (client == clients_.end()) return;
    if (client->second->logged_in()) --sessions_;
    clients_.erase(client);
    end_if_empty();
  });
}

void Server::retire() {
  retired_ = true;
  for (auto& acceptor : acceptors_) acceptor->close();
  loop_.post([this, alive = alive_] {
    if (*alive) end_if_empty();
  });
}

void Server::shut_down() {
  (void)master_.send(master::Full{});  // who connects now is not to wait for our last client
  retire();
  for (auto& [number, client] : clients_) client->shut_down();
}

void Server::end_if_empty() {
  if (retired_ && clients_.empty() && ended_) std::exchange(ended_, nullptr)();
}

}  // namespace facteur::login
