#include "common/net/address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>

#include "common/base/number.h"

namespace facteur::net {
namespace {

constexpr std::string_view mapped_prefix("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
constexpr std::size_t longest_address = INET6_ADDRSTRLEN;

}  // namespace

std::optional<Ip> Ip::from_octets(std::string_view octets) {
  if (octets.size() == 16 && octets.starts_with(mapped_prefix)) octets.remove_prefix(12);
  if (octets.size() != 4 && octets.size() != 16) return std::nullopt;
  Ip ip;
  ip.v4 = octets.size() == 4;
  std::ranges::copy(octets, ip.bytes.begin());
  return ip;
}

std::optional<Ip> Ip::parse(std::string_view text) {
  if (text.size() > longest_address) return std::nullopt;
  const std::string name(text);  // inet_pton wants a terminator; a NUL inside would end it early
  if (name.find('\0') != std::string::npos) return std::nullopt;
  char octets[16];
  if (::inet_pton(AF_INET, name.c_str(), octets) == 1) return from_octets({octets, 4});
  if (::inet_pton(AF_INET6, name.c_str(), octets) == 1) return from_octets({octets, 16});
  return std::nullopt;
}

std::string_view Ip::octets() const {
  return {bytes.data(), v4 ? 4U : 16U};
}

bool Ip::is_loopback() const {
  return v4 ? bytes[0] == 127 : *this == *parse("::1");
}

bool Ip::is_any() const {
  return std::ranges::all_of(octets(), [](char c) { return c == 0; });
}

std::string Ip::to_string() const {
  char text[longest_address];
  const char* written = ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  check(written != nullptr, "inet_ntop");
  return written;
}

std::string Ip::to_literal() const {
  return v4 ? "[" + to_string() + "]" : "[IPv6:" + to_string() + "]";
}

std::string Ip::to_reverse_name() const {
  std::string name;
  const auto all = octets();
  for (auto octet = all.rbegin(); octet != all.rend(); ++octet) {
    const unsigned value = static_cast<unsigned char>(*octet);
    name += v4 ? fmt::format("{}.", value) : fmt::format("{:x}.{:x}.", value & 15, value >> 4);
  }
  return name + (v4 ? "in-addr.arpa" : "ip6.arpa");
}

std::optional<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t default_port) {
  if (const auto ip = Ip::parse(text)) return Endpoint{*ip, default_port};
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    if (end + 1 < text.size() && text[end + 1] != ':') return std::nullopt;
    port = end + 1 < text.size() ? text.substr(end + 2) : std::string_view{};
    if (end + 1 == text.size()) {
      const auto ip = Ip::parse(host);
      return ip ? std::optional(Endpoint{*ip, default_port}) : std::nullopt;
    }
  } else {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const auto ip = Ip::parse(host);
  const auto number = parse_number<std::uint16_t>(port);
  if (!ip || !number) return std::nullopt;
  return Endpoint{*ip, *number};
}

std::optional<Endpoint> Endpoint::from_sockaddr(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    char octets[4];
    std::memcpy(octets, &in.sin_addr, 4);
    return Endpoint{*Ip::from_octets({octets, 4}), ntohs(in.sin_port)};
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    char octets[16];
    std::memcpy(octets, &in.sin6_addr, 16);
    return Endpoint{*Ip::from_octets({octets, 16}), ntohs(in.sin6_port)};
  }
  return std::nullopt;
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& address) const {
  address = {};
  if (ip.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes.data(), 4);
    std::memcpy(&address, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, ip.bytes.data(), 16);
  std::memcpy(&address, &in, sizeof in);
  return sizeof in;
}

std::string Endpoint::to_string() const {
  return ip.is_v4() ? fmt::format("{}:{}", ip.to_string(), port) : fmt::format("[{}]:{}", ip.to_string(), port);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  std::string_view host = text.substr(0, slash);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto ip = Ip::parse(host);
  if (!ip) return std::nullopt;
  const std::uint8_t most = ip->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Cidr{*ip, most};
  const auto bits = parse_number<std::uint8_t>(text.substr(slash + 1));
  if (!bits || *bits > most) return std::nullopt;
  Cidr block{*ip, *bits};
  Ip lowest = *ip;
  for (std::size_t i = 0; i < ip->octets().size(); ++i) {
    const int kept = std::clamp(static_cast<int>(*bits) - static_cast<int>(8 * i), 0, 8);
    lowest.bytes[i] = static_cast<char>(lowest.bytes[i] & (0xff00 >> kept & 0xff));
  }
  if (lowest != *ip) return std::nullopt;
  return block;
}

bool Cidr::contains(const Ip& ip) const {
  if (ip.is_v4() != base.is_v4()) return false;
  const std::size_t whole = bits / 8;
  if (std::memcmp(ip.bytes.data(), base.bytes.data(), whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const int mask = 0xff00 >> (bits % 8) & 0xff;
  return ((ip.bytes[whole] ^ base.bytes[whole]) & mask) == 0;
}

std::string Cidr::to_string() const {
  return fmt::format("{}/{}", base.to_string(), bits);
}

}  // namespace facteur::net
