// Where mail for a domain is sent: the form "[host]:port" of relayhost and transport tables (postconf(5)), and domains.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::queue {

/// A place that still has to be resolved, unless it is an address.
struct NextHop {
  std::string name;  ///< host, domain or address, without brackets
  std::uint16_t port = 25;
  bool use_mx = true;  ///< false for "[…]"
  bool is_address = false;

  /// The same for the same place: the name of its site as long as DNS was not asked.
  [[nodiscard]] std::string key() const;
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

/// Reads "domain", "[host]", "[192.0.2.1]", "[IPv6:2001:db8::1]" or "[2001:db8::1]", each with ":port" or without.
[[nodiscard]] NextHop parse_next_hop(std::string_view text, std::uint16_t default_port);

/// A domain that may be asked for in DNS: labels of letters, digits, '-' and '_' of 1 to 63 octets, 253 in all; or
/// UTF-8 (RFC 6531), which `remote` turns into A-labels.
[[nodiscard]] bool is_lookup_name(std::string_view domain);

}  // namespace facteur::queue
