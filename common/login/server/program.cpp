#include "common/login/server/program.h"

#include <cstdlib>
#include <sysexits.h>
#include <utility>

#include "common/log/log.h"
#include "config/listener.h"

namespace facteur::login {

namespace {

std::shared_ptr<const tls::Context> load_tls(const config::Settings& settings, const std::string& alpn) {
  if (settings.tls_certificate.empty()) return nullptr;
  auto context = tls::Context::server(settings.tls_certificate, settings.tls_key, alpn);
  if (context) return std::move(*context);
  log::error("{}", context.error().text);
  std::exit(EX_CONFIG);
}

ListenerSettings listener_settings(const config::Settings& on_it, std::shared_ptr<const tls::Context> tls) {
  ListenerSettings made;
  made.client.tls = std::move(tls);
  made.client.login_time = on_it.login_timeout;
  made.engine.hostname = on_it.hostname;
  made.engine.mechanisms = on_it.auth_mechanisms;
  made.cleartext_allowed = !on_it.disable_plaintext_auth;
  made.cleartext_from = on_it.allow_plaintext_from;
  return made;
}

std::vector<ListenerSettings> settings_of_listeners(process::Program& process, const Protocol& protocol) {
  const auto& settings = process.settings();
  const auto role = protocol.service == auth::Service::pop3 ? config::Role::pop3 : config::Role::imap;
  const auto tls = load_tls(settings, protocol.alpn);
  std::vector<ListenerSettings> out;
  for (const auto& listener : process.start().listeners) {
    const auto on_it = config::settings_at(settings, role, listener.address);
    if (!on_it) {
      log::error("{}", on_it.error().text);
      std::exit(EX_CONFIG);
    }
    out.push_back(listener_settings(*on_it, tls));
  }
  return out;
}

}  // namespace

Program::Program(process::Program& process, Protocol protocol)
    : process_(process),
      listeners_(settings_of_listeners(process, protocol)),
      server_(process.loop(), protocol,
              {process.settings().sessions_per_login_process, process.settings().auth_timeout}, process.master(),
              [&process] { process.end(); }) {
}

void Program::open() {
  process_.on_peer("authd",
                   [this](std::uint32_t, std::unique_ptr<ipc::Door> door) { server_.use_authd(std::move(door)); });
  process_.on_retire([this] { server_.retire(); });
  process_.on_stop([this] { server_.shut_down(); });
  auto& sockets = process_.start().listeners;
  for (std::size_t i = 0; i < sockets.size(); ++i) server_.listen(std::move(sockets[i]), std::move(listeners_[i]));
}

}  // namespace facteur::login
