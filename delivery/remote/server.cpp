// Start, generations, and the end.

#include "delivery/remote/server.h"

#include <utility>

namespace facteur::remote {

namespace {

constexpr unsigned reading_threads = 8;

dns::Resolver::Options resolver_options(const config::Settings& settings) {
  dns::Resolver::Options options;
  for (const auto& server : settings.dns_servers) options.servers.push_back(server.to_string());
  options.off = settings.disable_dns_lookups;
  return options;
}

}  // namespace

Server::Server(process::Program& program) : program_(program) {
  program_.on_peer("queued",
                   [this](std::uint32_t, std::unique_ptr<ipc::Door> door) { service_->serve(std::move(door)); });
  // Both are told before the connections of another generation, or the end: what has begun is finished first.
  program_.on_retire([this] { service_->when_idle([this] { program_.end(); }); });
  program_.on_stop([this] { service_->when_idle([this] { program_.end(); }); });
}

Result<> Server::prepare() {
  const auto& settings = program_.settings();
  process::size_pool(settings, reading_threads);
  auto resolver = dns::Resolver::create(program_.loop(), resolver_options(settings));
  if (!resolver) return fail(resolver);
  resolver_ = std::move(*resolver);
  auto context = tls::Context::opportunistic_client();
  if (!context) return fail(context);
  environment_.emplace(program_.loop(), settings, *resolver_, std::move(*context));
  service_.emplace(*environment_);
  return {};
}

}  // namespace facteur::remote
