#include "queue/schedule/mx.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::queue {
namespace {

std::unexpected<Unroutable> unroutable(Fate fate, std::string_view status, std::string text) {
  return std::unexpected(Unroutable{fate, std::string(status), std::move(text)});
}

std::string_view without_dot(std::string_view name) {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

bool is_null_mx(const MxHost& host) {
  return without_dot(host.name).empty();
}

bool is_own_host(const MxHost& host, const MxRules& rules) {
  return iequals(without_dot(host.name), rules.hostname) || std::ranges::any_of(host.ips, rules.is_own);
}

/// Drops ourselves and every host that is not preferred to us: sending there would bring the mail back
/// (RFC 5321 section 5.1). True if we are in the list.
bool cut_loop(std::vector<MxHost>& hosts, const MxRules& rules) {
  const auto own = std::ranges::find_if(hosts, [&](const MxHost& host) { return is_own_host(host, rules); });
  if (own == hosts.end()) return false;
  const auto preference = own->preference;
  std::erase_if(hosts, [&](const MxHost& host) { return host.preference >= preference; });
  return true;
}

/// Hosts of one set of names are one site, whatever their order.
std::string site_of(const std::vector<MxHost>& hosts) {
  std::vector<std::string> names;
  for (const auto& host : hosts) names.push_back(to_lower(without_dot(host.name)));
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return join(names, ",");
}

std::unexpected<Unroutable> without_hosts(const Resolved& answer, std::string_view domain) {
  const std::string name = printable(domain, 255);
  switch (answer.outcome) {
    case DnsOutcome::no_such_domain:
      return unroutable(Fate::failed, "5.1.2",
                        "Host or domain name not found. Name service error for name=" + name + ": Host not found");
    case DnsOutcome::no_data:
      return unroutable(Fate::failed, "5.4.4",
                        "Host or domain name not found. Name service error for name=" + name +
                            ": Host found but no data record of requested type");
    default:
      return unroutable(Fate::deferred, "4.4.3",
                        !answer.text.empty()
                            ? answer.text
                            : "Host or domain name not found. Name service error for name=" + name + ": try again");
  }
}

std::unexpected<Unroutable> without_addresses(std::string_view domain, bool temporary, bool refused) {
  const std::string name = printable(domain, 255);
  if (temporary)
    return unroutable(Fate::deferred, "4.4.3", "the addresses of the mail hosts of " + name + " are not to be had now");
  if (refused)
    return unroutable(Fate::failed, "5.4.4",
                      "the mail hosts of " + name + " have only addresses that no host may have");
  return unroutable(Fate::failed, "5.4.4", "no mail host of " + name + " has an address");
}

}  // namespace

std::expected<Exchange, Unroutable> judge_answer(const Resolved& answer, std::string_view domain,
                                                 const MxRules& rules) {
  if (answer.outcome != DnsOutcome::found || answer.hosts.empty()) return without_hosts(answer, domain);
  // RFC 7505 section 3: a null MX stands alone; beside others it still says that no mail is wanted.
  if (std::ranges::any_of(answer.hosts, is_null_mx)) {
    return unroutable(Fate::failed, "5.1.10", "Domain " + printable(domain, 255) + " does not accept mail (nullMX)");
  }
  Exchange exchange{{}, answer.hosts};
  std::ranges::stable_sort(exchange.hosts, {}, &MxHost::preference);
  const bool own = cut_loop(exchange.hosts, rules);
  if (exchange.hosts.empty() && own) {
    return unroutable(Fate::failed, "5.4.6", "mail for " + printable(domain, 255) + " loops back to myself");
  }
  exchange.site = site_of(exchange.hosts);

  bool refused = false;
  bool temporary = false;
  for (auto& host : exchange.hosts) {
    refused |= std::erase_if(host.ips, rules.is_unreachable) > 0;
    temporary |= host.temporary;
  }
  std::erase_if(exchange.hosts, [](const MxHost& host) { return host.ips.empty(); });
  if (exchange.hosts.empty()) return without_addresses(domain, temporary, refused);
  return exchange;
}

std::vector<Target> choose_targets(const Exchange& exchange, std::uint16_t port,
                                   const std::function<std::uint64_t(std::uint64_t)>& below) {
  std::vector<const MxHost*> order;
  for (const auto& host : exchange.hosts) order.push_back(&host);
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && order[end]->preference == order[begin]->preference) ++end;
    // Fisher and Yates.
    for (std::size_t left = end; left > begin + 1; --left) {
      std::swap(order[left - 1], order[begin + static_cast<std::size_t>(below(left - begin))]);
    }
    begin = end;
  }
  std::vector<Target> targets;
  for (const auto* host : order) {
    for (const auto& ip : host->ips) {
      if (targets.size() == max_targets) return targets;
      targets.push_back({std::string(without_dot(host->name)), ip, port});
    }
  }
  return targets;
}

}  // namespace facteur::queue
