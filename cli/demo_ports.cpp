#include "cli/demo_ports.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <vector>

#include "common/base/number.h"
#include "common/base/random.h"
#include "common/fs/files.h"
#include "common/net/listener.h"

namespace facteur::cli {
namespace {

struct PortRange {
  std::uint16_t first;
  std::uint16_t last;
};
constexpr PortRange unprivileged{1024, UINT16_MAX};
constexpr std::uint16_t lowest_wanted = 10000;  ///< many services have a number below
constexpr std::uint16_t ports_wanted = 1000;
constexpr int tries = 1000;

/// Below the ports that the kernel gives to connections going out: one of those could take a port that was free before
/// facteurd has opened it.
PortRange range_to_choose_from() {
  const auto text = fs::read_file("/proc/sys/net/ipv4/ip_local_port_range");
  const auto first = text ? parse_number<std::uint16_t>(text->substr(0, text->find_first_of(" \t"))) : std::nullopt;
  if (!first || *first < lowest_wanted + ports_wanted) return unprivileged;
  return {lowest_wanted, static_cast<std::uint16_t>(*first - 1)};
}

/// Listens on a port of both loopback addresses; Error::errno_value is EADDRINUSE if somebody else does.
Result<std::vector<Fd>> hold(std::uint16_t port) {
  std::vector<Fd> out;
  for (const char* address : {"127.0.0.1", "::1"}) {
    auto socket = net::listen_tcp({*net::Ip::parse(address), port}, false);
    if (socket) {
      out.push_back(std::move(*socket));
    } else if (out.empty() || socket.error().errno_value == EADDRINUSE) {  // else there is no IPv6 here
      return fail(socket);
    }
  }
  return out;
}

/// Goes through the range from a random place, so that demos that start together seldom meet.
class FreePorts {
 public:
  FreePorts() : next_(random_below(count())) {}

  /// A port that is free on both loopback addresses; it is held until all ports are chosen.
  Result<std::uint16_t> take() {
    for (int i = 0; i < tries; ++i) {
      const auto port = static_cast<std::uint16_t>(range_.first + next_++ % count());
      auto sockets = hold(port);
      if (!sockets && sockets.error().errno_value == EADDRINUSE) continue;
      if (!sockets) return fail(sockets);
      std::ranges::move(*sockets, std::back_inserter(held_));
      return port;
    }
    return fail(Kind::temporary, "no free port was found on loopback");
  }

 private:
  [[nodiscard]] std::uint64_t count() const { return range_.last - range_.first + 1U; }

  PortRange range_ = range_to_choose_from();
  std::uint64_t next_;
  std::vector<Fd> held_;
};

}  // namespace

Result<std::map<std::string_view, std::uint16_t>> choose_ports(std::optional<unsigned> base) {
  std::map<std::string_view, std::uint16_t> out;
  FreePorts free;
  for (const auto& port : demo_ports) {
    if (base) {
      const unsigned number = *base + port.standard;
      if (number > UINT16_MAX) return fail(Kind::permanent, "--port-base " + std::to_string(*base) + " is too high");
      out[port.name] = static_cast<std::uint16_t>(number);
      continue;
    }
    auto number = free.take();
    if (!number) return fail(number);
    out[port.name] = *number;
  }
  return out;
}

bool is_one_taken(const std::set<std::uint16_t>& ports) {
  return std::ranges::any_of(ports, [](std::uint16_t port) {
    const auto sockets = hold(port);
    return !sockets && sockets.error().errno_value == EADDRINUSE;
  });
}

}  // namespace facteur::cli
