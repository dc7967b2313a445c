#include "common/login/server/program.h"

#include <cstdlib>
#include <sysexits.h>
#include <utility>

#include "common/log/log.h"

namespace facteur::login {

namespace {

std::shared_ptr<const tls::Context> load_tls(const config::Settings& settings, const std::string& alpn) {
  if (settings.tls_certificate.empty()) return nullptr;
  auto context = tls::Context::server(settings.tls_certificate, settings.tls_key, alpn);
  if (context) return std::move(*context);
  log::error("{}", context.error().text);
  std::exit(EX_CONFIG);
}

ServerSettings server_settings(const config::Settings& settings, const Protocol& protocol) {
  ServerSettings made;
  made.client.tls = load_tls(settings, protocol.alpn);
  made.client.login_time = settings.login_timeout;
  made.engine.hostname = settings.hostname;
  made.engine.mechanisms = settings.auth_mechanisms;
  made.cleartext_allowed = !settings.disable_plaintext_auth;
  made.cleartext_from = settings.allow_plaintext_from;
  made.most_sessions = settings.sessions_per_login_process;
  made.auth_patience = settings.auth_timeout;
  return made;
}

}  // namespace

Program::Program(process::Program& process, Protocol protocol)
    : process_(process),
      server_(process.loop(), protocol, server_settings(process.settings(), protocol), process.master(),
              [&process] { process.end(); }) {
}

void Program::open() {
  process_.on_peer("authd",
                   [this](std::uint32_t, std::unique_ptr<ipc::Door> door) { server_.use_authd(std::move(door)); });
  process_.on_retire([this] { server_.retire(); });
  process_.on_stop([this] { server_.shut_down(); });
  for (auto& listener : process_.start().listeners) server_.listen(std::move(listener));
}

}  // namespace facteur::login
