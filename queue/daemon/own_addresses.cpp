#include "queue/daemon/own_addresses.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

namespace facteur::queue {
namespace {

constexpr std::array<const char*, 9> unreachable_blocks{
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
    "::/128",    "::1/128",     "fe80::/10",      "ff00::/8",
};

std::vector<net::Ip> interface_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) < 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  std::vector<net::Ip> out;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage address{};
    std::memcpy(&address, entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (const auto endpoint = net::Endpoint::from_sockaddr(address)) out.push_back(endpoint->ip);
  }
  return out;
}

}  // namespace

std::vector<net::Ip> own_addresses(const config::Settings& settings) {
  std::vector<net::Ip> out;
  for (const auto& name : settings.inet_interfaces) {
    if (name == "all") return interface_addresses();
    if (name == "loopback-only") out.insert(out.end(), {*net::Ip::parse("127.0.0.1"), *net::Ip::parse("::1")});
    if (const auto ip = net::Ip::parse(name)) out.push_back(*ip);
  }
  return out;
}

MxRules mx_rules(const config::Settings& settings, std::vector<net::Ip> own) {
  std::vector<net::Cidr> blocks;
  for (const auto* text : unreachable_blocks) {
    const auto block = net::Cidr::parse(text);
    check(block.has_value(), "a block of unreachable addresses is malformed");
    blocks.push_back(*block);
  }
  MxRules rules;
  rules.hostname = settings.hostname;
  rules.is_own = [own = std::move(own)](std::string_view text) {
    const auto ip = net::Ip::parse(text);
    return ip && std::ranges::find(own, *ip) != own.end();
  };
  rules.is_unreachable = [blocks = std::move(blocks)](std::string_view text) {
    const auto ip = net::Ip::parse(text);
    return !ip || std::ranges::any_of(blocks, [&](const net::Cidr& block) { return block.contains(*ip); });
  };
  return rules;
}

}  // namespace facteur::queue
