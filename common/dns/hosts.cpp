// Reading the hosts file.

#include "common/dns/hosts.h"

#include <algorithm>
#include <span>

#include "common/base/strings.h"
#include "common/dns/name.h"

namespace facteur::dns {

Hosts::Hosts(std::string_view text) {
  std::size_t lines = 0;
  while (!text.empty() && lines++ < max_lines) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto fields = words(trim(line.substr(0, line.find('#'))));
    const auto ip = fields.size() < 2 ? std::nullopt : net::Ip::parse(fields[0]);
    if (!ip) continue;
    for (const auto name : std::span(fields).subspan(1)) {
      if (!is_domain_name(name)) continue;
      addresses_[to_lower(name)].push_back(*ip);
      names_.try_emplace(*ip, to_lower(name));
    }
  }
}

std::vector<net::Ip> Hosts::addresses(std::string_view name, bool v4) const {
  std::vector<net::Ip> found;
  const auto entry = addresses_.find(to_lower(name));
  if (entry == addresses_.end()) return found;
  for (const auto& ip : entry->second) {
    if (ip.is_v4() == v4) found.push_back(ip);
  }
  return found;
}

bool Hosts::has(std::string_view name) const {
  return addresses_.contains(to_lower(name));
}

std::string Hosts::name_of(const net::Ip& ip) const {
  const auto entry = names_.find(ip);
  return entry == names_.end() ? std::string() : entry->second;
}

}  // namespace facteur::dns
