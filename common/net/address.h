// Addresses of the network, and blocks of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <tuple>

#include "common/base/result.h"

namespace facteur::net {

/// An IPv4 or IPv6 address, without a port. An IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2) is the IPv4
/// address: there is one way to write each host, so that mynetworks cannot be missed or met by another spelling.
class Ip {
 public:
  Ip() = default;
  /// "192.168.10.1", "2001:db8::1", "::ffff:192.168.10.1". No ports, brackets, zones or short forms ("127.1").
  [[nodiscard]] static std::optional<Ip> parse(std::string_view text);
  /// 4 or 16 octets in network order.
  [[nodiscard]] static std::optional<Ip> from_octets(std::string_view octets);

  [[nodiscard]] bool is_v4() const { return v4; }
  [[nodiscard]] bool is_loopback() const;
  /// No host: 0.0.0.0 or ::.
  [[nodiscard]] bool is_any() const;
  /// RFC 5952: "192.168.10.1", "2001:db8::1".
  [[nodiscard]] std::string to_string() const;
  /// As a domain literal of SMTP (RFC 5321 section 4.1.3): "[192.168.10.1]", "[IPv6:2001:db8::1]".
  [[nodiscard]] std::string to_literal() const;
  /// The name asked for a PTR record: "1.10.168.192.in-addr.arpa", "….ip6.arpa".
  [[nodiscard]] std::string to_reverse_name() const;
  [[nodiscard]] std::string_view octets() const;
  friend auto operator<=>(const Ip&, const Ip&) = default;

  bool v4 = true;
  std::array<char, 16> bytes{};  ///< the first 4 for IPv4
};

/// An address with a port.
struct Endpoint {
  Ip ip;
  std::uint16_t port = 0;
  /// "10.9.0.53:53", "[2001:db8::1]:53"; a plain address takes `default_port`.
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text, std::uint16_t default_port);
  [[nodiscard]] static std::optional<Endpoint> from_sockaddr(const sockaddr_storage& address);
  /// Fills a socket address; gives its length.
  [[nodiscard]] socklen_t to_sockaddr(sockaddr_storage& address) const;
  /// "10.9.0.53:53", "[2001:db8::1]:53".
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A block of addresses, "192.168.10.0/24" or "[2001:db8::]/32"; one address is a block of one.
struct Cidr {
  Ip base;
  std::uint8_t bits = 32;
  /// Nothing if the host part is not zero, as in Postfix (cidr_table(5)), or the text is no block.
  [[nodiscard]] static std::optional<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const Ip& ip) const;
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

}  // namespace facteur::net
