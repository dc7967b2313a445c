#include "config/own_addresses.h"

#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>

namespace facteur::config {
namespace {

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

std::vector<net::Ip> own_addresses(const Settings& settings) {
  std::vector<net::Ip> out;
  for (const auto& name : settings.inet_interfaces) {
    if (name == "all") return interface_addresses();
    if (name == "loopback-only") out.insert(out.end(), {*net::Ip::parse("127.0.0.1"), *net::Ip::parse("::1")});
    if (const auto ip = net::Ip::parse(name)) out.push_back(*ip);
  }
  return out;
}

}  // namespace facteur::config
