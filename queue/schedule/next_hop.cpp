#include "queue/schedule/next_hop.h"

#include <algorithm>

#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/net/address.h"

namespace facteur::queue {
namespace {

constexpr std::string_view ipv6_tag = "IPv6:";  // RFC 5321 section 4.1.3

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
    return is_alnum(c) || c == '-' || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0;
  });
}

}  // namespace

std::string NextHop::key() const {
  return (use_mx ? to_lower(name) : "[" + to_lower(name) + "]") + ":" + std::to_string(port);
}

NextHop parse_next_hop(std::string_view text, std::uint16_t default_port) {
  NextHop hop;
  hop.port = default_port;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    hop.port = parse_number<std::uint16_t>(text.substr(colon + 1)).value_or(default_port);
    text = text.substr(0, colon);
  }
  if (text.size() > 2 && text.starts_with('[') && text.ends_with(']')) {
    hop.use_mx = false;
    text = text.substr(1, text.size() - 2);
    if (istarts_with(text, ipv6_tag)) text.remove_prefix(ipv6_tag.size());
    if (const auto ip = net::Ip::parse(text)) {
      hop.is_address = true;
      hop.name = ip->to_string();
      return hop;
    }
  }
  hop.name = text;
  return hop;
}

bool is_lookup_name(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || domain.size() > 253) return false;
  return std::ranges::all_of(split(domain, '.'), is_label) && (is_utf8(domain));
}

}  // namespace facteur::queue
