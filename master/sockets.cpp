#include "master/sockets.h"

#include <algorithm>

#include "common/net/listener.h"
#include "config/listener.h"
#include "master/programs.h"

namespace facteur::master {
namespace {

constexpr std::string_view submit_role = "submit";

/// The roles of doors.h: an implicit-TLS listener has a name of its own.
std::string role_name(const config::Listener& listener) {
  const bool implicit = listener.tls == config::TlsMode::implicit;
  switch (listener.role) {
    case config::Role::smtp: return "smtp";
    case config::Role::submission: return implicit ? "smtps" : "submission";
    case config::Role::pop3: return implicit ? "pop3s" : "pop3";
    case config::Role::imap: return implicit ? "imaps" : "imap";
  }
  return "smtp";
}

}  // namespace

Result<Sockets::Kept> Sockets::make(const config::Listener& listener, unsigned count) {
  Kept out{role_name(listener), listener.endpoint.to_string(), static_cast<Tls>(listener.tls), {}};
  const bool many = program_of_role(out.role) == "smtpd";
  for (unsigned i = 0; i < (many ? count : 1U); ++i) {
    auto socket = net::listen_tcp(listener.endpoint, many);
    if (!socket) return fail(socket);
    out.sockets.push_back(std::move(*socket));
  }
  return out;
}

Result<Sockets::Kept> Sockets::make_submit(const config::Settings& settings) {
  Kept out{std::string(submit_role), settings.run_directory + "/submit", Tls::none, {}};
  auto socket = net::listen_unix(out.address, false, 0666);
  if (!socket) return fail(socket);
  out.sockets.push_back(std::move(*socket));
  return out;
}

Result<> Sockets::configure(const config::Settings& settings, unsigned smtpd_processes) {
  std::map<std::string, Kept> fresh;
  std::vector<std::string> wanted;
  const auto want = [&](const std::string& key, auto make) -> Result<> {
    wanted.push_back(key);
    const auto old = kept_.find(key);
    const bool enough =
        old != kept_.end() && (old->second.sockets.size() == 1 || old->second.sockets.size() >= smtpd_processes);
    if (enough || fresh.contains(key)) return {};
    auto made = make();
    if (!made) return fail(made);
    fresh.emplace(key, std::move(*made));
    return {};
  };
  for (const auto& listener : config::all_listeners(settings)) {
    const std::string key = role_name(listener) + " " + listener.endpoint.to_string();
    if (auto done = want(key, [&] { return make(listener, smtpd_processes); }); !done) return done;
  }
  const std::string submit = "submit " + settings.run_directory;
  if (auto done = want(submit, [&] { return make_submit(settings); }); !done) return done;

  std::map<std::string, Kept> next;
  for (const auto& key : wanted) {
    auto& from = fresh.contains(key) ? fresh : kept_;
    if (from.contains(key)) next.insert(from.extract(key));
  }
  kept_ = std::move(next);
  // A socket that nobody accepts from would still be given its share of the connections.
  for (auto& [key, kept] : kept_) kept.sockets.resize(std::min<std::size_t>(kept.sockets.size(), smtpd_processes));
  return {};
}

std::vector<Listener> Sockets::listeners_for(std::string_view program, unsigned index) const {
  std::vector<Listener> out;
  for (const auto& [key, kept] : kept_) {
    if (program_of_role(kept.role) != program) continue;
    const auto& socket = kept.sockets[index % kept.sockets.size()];
    out.push_back({kept.role, kept.address, kept.tls, socket.duplicate()});
  }
  return out;
}

}  // namespace facteur::master
