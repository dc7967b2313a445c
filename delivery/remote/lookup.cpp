// MX first, then all addresses at once; every list is cut before it costs anything.

#include "delivery/remote/lookup.h"

#include <algorithm>
#include <utility>

#include "common/base/strings.h"
#include "common/dns/name.h"

namespace facteur::remote {

namespace {

/// "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3), or the address without brackets.
std::optional<net::Ip> literal(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (istarts_with(text, "IPv6:")) text.remove_prefix(5);
  return net::Ip::parse(text);
}

bool wants(config::IpVersions versions, bool v4) {
  return versions == config::IpVersions::all || (versions == config::IpVersions::ipv4) == v4;
}

}  // namespace

Lookup::Lookup(Environment& environment, queue::Resolve request, std::function<void(queue::Resolved)> done)
    : environment_(environment), request_(std::move(request)), done_(std::move(done)) {
}

void Lookup::start() {
  if (const auto ip = literal(request_.domain)) return answer_literal(*ip);
  if (request_.use_mx) {
    questions_.push_back(
        environment_.resolver.mx(request_.domain, [this](dns::Found<dns::Mx> found) { got_mx(found); }));
    return;
  }
  implicit_ = true;
  add_host(to_lower(request_.domain), 0);
  ask_addresses();
}

void Lookup::answer_literal(const net::Ip& ip) {
  implicit_ = true;
  hosts_.push_back({{ip.to_string(), 0, {ip.to_string()}, false}, true});
  open_ = 1;
  auto [ticket, answer] = ask<bool>([this](bool) { got_all(); });
  environment_.loop.post([answer = std::move(answer)]() mutable { answer(true); });
  questions_.push_back(std::move(ticket));
}

void Lookup::got_mx(const dns::Found<dns::Mx>& found) {
  lifetime_ = std::min(lifetime_, found.lifetime);
  switch (found.outcome) {
    case dns::Outcome::no_domain: return finish(queue::DnsOutcome::no_such_domain, "Host not found");
    case dns::Outcome::temporary: return finish(queue::DnsOutcome::temporary, "Host not found, try again");
    case dns::Outcome::no_data:
      implicit_ = true;  // the domain is its own host: RFC 5321 section 5.1
      add_host(to_lower(request_.domain), 0);
      return ask_addresses();
    case dns::Outcome::found: break;
  }
  auto exchangers = found.items;
  std::ranges::stable_sort(exchangers, {}, &dns::Mx::preference);
  if (exchangers.size() > most_hosts) exchangers.resize(most_hosts);
  for (const auto& mx : exchangers) add_host(mx.host, mx.preference);
  ask_addresses();
}

void Lookup::add_host(std::string name, std::uint16_t preference) {
  const bool exists = name.empty();  // the null MX (RFC 7505) is no host, and nobody asks for its addresses
  hosts_.push_back({{std::move(name), preference, {}, false}, exists});
}

void Lookup::ask_addresses() {
  const auto versions = environment_.settings.inet_protocols;
  std::vector<std::pair<std::size_t, bool>> wanted;
  for (std::size_t host = 0; host < hosts_.size(); ++host) {
    if (hosts_[host].answer.name.empty()) continue;
    for (const bool v4 : {true, false}) {
      if (wants(versions, v4)) wanted.emplace_back(host, v4);
    }
  }
  if (wanted.empty()) return got_all();
  open_ = wanted.size();
  for (const auto& [host, v4] : wanted) {
    questions_.push_back(environment_.resolver.addresses(
        hosts_[host].answer.name, v4, [this, host](dns::Found<net::Ip> found) { got_addresses(host, found); }));
  }
}

void Lookup::got_addresses(std::size_t host, const dns::Found<net::Ip>& found) {
  auto& [answer, exists] = hosts_[host];
  lifetime_ = std::min(lifetime_, found.lifetime);
  exists = exists || found.outcome != dns::Outcome::no_domain;
  answer.temporary = answer.temporary || found.outcome == dns::Outcome::temporary;
  for (const auto& ip : found.items) {
    if (answer.ips.size() < most_addresses) answer.ips.push_back(ip.to_string());
  }
  if (--open_ == 0) got_all();
}

void Lookup::got_all() {
  for (auto& host : hosts_) host.answer.temporary = host.answer.temporary && host.answer.ips.empty();
  if (!implicit_ || !hosts_.front().answer.ips.empty()) return finish(queue::DnsOutcome::found, "");
  if (hosts_.front().answer.temporary) return finish(queue::DnsOutcome::temporary, "Host not found, try again");
  if (hosts_.front().exists)
    return finish(queue::DnsOutcome::no_data, "Host found but no data record of requested type");
  finish(queue::DnsOutcome::no_such_domain, "Host not found");
}

void Lookup::finish(queue::DnsOutcome outcome, const std::string& why) {
  queue::Resolved answer;
  answer.id = request_.id;
  answer.outcome = outcome;
  answer.implicit = implicit_;
  answer.lifetime = static_cast<std::uint32_t>(lifetime_.count());
  if (outcome == queue::DnsOutcome::found) {
    for (auto& host : hosts_) answer.hosts.push_back(std::move(host.answer));
  } else {
    answer.text = "Host or domain name not found. Name service error for name=" + printable(request_.domain, 255) +
                  " type=" + (implicit_ ? "A" : "MX") + ": " + why;
  }
  questions_.clear();
  const auto done = std::exchange(done_, nullptr);
  done(std::move(answer));
}

}  // namespace facteur::remote
