#include "cli/demo_ports.h"

#include <vector>

#include "common/net/listener.h"

namespace facteur::cli {
namespace {

constexpr int tries = 100;

/// A port that is free on both loopback addresses; the sockets keep it until all ports are chosen.
Result<std::uint16_t> free_port(std::vector<Fd>& held) {
  for (int i = 0; i < tries; ++i) {
    auto socket = net::listen_tcp({*net::Ip::parse("127.0.0.1"), 0}, false);
    if (!socket) return fail(socket);
    const auto endpoint = net::local_endpoint(socket->get());
    if (!endpoint) return fail(endpoint);
    held.push_back(std::move(*socket));
    auto second = net::listen_tcp({*net::Ip::parse("::1"), endpoint->port}, false);
    if (!second && second.error().errno_value == EADDRINUSE) continue;
    if (second) held.push_back(std::move(*second));  // else there is no IPv6 here
    return endpoint->port;
  }
  return fail(Kind::temporary, "no free port was found on loopback");
}

}  // namespace

Result<std::map<std::string_view, std::uint16_t>> choose_ports(std::optional<unsigned> base) {
  std::map<std::string_view, std::uint16_t> out;
  std::vector<Fd> held;
  for (const auto& port : demo_ports) {
    if (base) {
      const unsigned number = *base + port.standard;
      if (number > UINT16_MAX) return fail(Kind::permanent, "--port-base " + std::to_string(*base) + " is too high");
      out[port.name] = static_cast<std::uint16_t>(number);
      continue;
    }
    auto number = free_port(held);
    if (!number) return fail(number);
    out[port.name] = *number;
  }
  return out;
}

}  // namespace facteur::cli
