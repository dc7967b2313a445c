// Checks on names.

#include "common/dns/name.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::dns {

namespace {

constexpr std::size_t max_label = 63;  // RFC 1035 section 2.3.4
constexpr std::size_t max_name = 253;  // 255 octets on the wire

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > max_label || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

}  // namespace

bool is_domain_name(std::string_view name) {
  if (name.empty() || name.size() > max_name) return false;
  return std::ranges::all_of(split(name, '.'), is_label);
}

bool is_host_name(std::string_view name) {
  if (!is_domain_name(name) || name.find('_') != name.npos) return false;
  const auto dot = name.rfind('.');
  return dot != name.npos && !std::ranges::all_of(name.substr(dot + 1), is_digit);
}

}  // namespace facteur::dns
