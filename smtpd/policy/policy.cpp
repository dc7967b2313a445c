#include "smtpd/policy/policy.h"

#include <algorithm>

#include "common/base/strings.h"
#include "common/route/expand.h"

namespace facteur::smtpd {
namespace {

/// The address in a domain literal: "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3). A literal of IPv6
/// without its tag is none.
std::optional<net::Ip> literal(std::string_view domain) {
  if (domain.size() < 2 || domain.front() != '[' || domain.back() != ']') return std::nullopt;
  domain = domain.substr(1, domain.size() - 2);
  constexpr std::string_view tag = "IPv6:";
  if (istarts_with(domain, tag)) return net::Ip::parse(domain.substr(tag.size()));
  return domain.contains(':') ? std::nullopt : net::Ip::parse(domain);
}

bool is_own(const net::Ip& ip, const Rules& rules) {
  return std::ranges::find(rules.own_addresses, ip) != rules.own_addresses.end();
}

std::string recipient_text(const RecipientFacts& facts) {
  return "<" + facts.recipient.to_string() + ">: ";
}

Decision& note(Decision& decision, const RecipientFacts& facts) {
  decision.looked_up = {
      {"domain", facts.recipient.domain}, {"client", facts.client.ip.to_string()}, {"login", facts.client.login}};
  return decision;
}

Decision accept(std::string rule, const RecipientFacts& facts) {
  Decision decision{Action::accept, {250, "2.1.5", "Ok"}, std::move(rule), {}};
  return note(decision, facts);
}

Decision refuse(int code, std::string enhanced, const std::string& why, std::string rule, const RecipientFacts& facts) {
  Decision decision{Action::reject, {code, std::move(enhanced), recipient_text(facts) + why}, std::move(rule), {}};
  return note(decision, facts);
}

Decision judge_relay(const RecipientFacts& facts) {
  if (facts.client.role == Role::local) return accept("permit_local_user", facts);
  if (!facts.client.login.empty()) return accept("permit_sasl_authenticated", facts);
  if (facts.client.in_mynetworks) return accept("permit_mynetworks", facts);
  return refuse(554, "5.7.1", "Relay access denied", "reject_unauth_destination", facts);
}

/// An address that leads to one account, under its own name or without its detail.
Decision judge_account(const RecipientFacts& facts, const std::string& account) {
  constexpr auto rule = "local_recipient";
  if (!facts.mailbox) {
    Decision decision{Action::look_up, {}, rule, {}};
    note(decision, facts).account = account;
    return decision;
  }
  if (*facts.mailbox == Mailbox::exists) return accept(rule, facts);
  if (*facts.mailbox == Mailbox::temporary) return refuse(451, "4.3.0", "Temporary lookup failure", rule, facts);
  return refuse(550, "5.1.1", "Recipient address rejected: User unknown in local recipient table", rule, facts);
}

/// RFC 5321 section 4.5.1: postmaster at the name that we say in EHLO is always ours; so is mailer-daemon, who
/// writes our bounces.
bool is_for_postmaster(const RecipientFacts& facts, const Rules& rules) {
  const auto& recipient = facts.recipient;
  if (!iequals(recipient.domain, rules.hostname) && !iequals(recipient.domain, facts.client.greeted_by)) return false;
  return iequals(recipient.local_part, "postmaster") || iequals(recipient.local_part, "mailer-daemon");
}

/// False for an account, also when an alias of that name leads to itself: then it must exist.
bool leads_elsewhere(const route::Expansion& expansion, std::string_view address) {
  const auto& found = expansion.recipients;
  if (found.size() != 1 || !found.front().local()) return true;
  return expansion.replaced && !iequals(found.front().address, address);
}

Decision judge_ours(const RecipientFacts& facts, const Rules& rules) {
  const bool named = rules.tables.is_local(to_lower(facts.recipient.domain));
  const auto domain = named ? facts.recipient.domain : rules.tables.default_domain();
  const auto expansion = route::expand(facts.recipient.local_part + "@" + domain, rules.tables);
  Decision decision;
  if (expansion.outcome == route::Outcome::refused) {
    decision = refuse(451, "4.3.5", "Alias cannot be used now", "alias", facts);
  } else if (expansion.outcome != route::Outcome::found) {
    decision = refuse(550, "5.4.6", "Recipient address rejected: alias expansion", "alias", facts);
  } else if (leads_elsewhere(expansion, facts.recipient.local_part + "@" + domain)) {
    decision = accept("alias", facts);
  } else {
    decision = judge_account(facts, expansion.recipients.front().account);
  }
  for (const auto& step : expansion.steps) {
    decision.looked_up.emplace_back(
        step.rule, step.file.empty() ? step.address : step.address + " " + step.file + ":" + std::to_string(step.line));
  }
  return decision;
}

/// RFC 5321 section 4.5.1 wants that mail taken always; what nobody would read waits at the sender's.
Decision judge_postmaster(const RecipientFacts& facts, const Rules& rules) {
  const bool named = rules.tables.is_local(to_lower(facts.recipient.domain));
  const auto domain = named ? facts.recipient.domain : rules.tables.default_domain();
  const auto expansion = route::expand(facts.recipient.local_part + "@" + domain, rules.tables);
  if (expansion.outcome == route::Outcome::found) return accept("postmaster", facts);
  return refuse(451, "4.3.5", "Nobody reads mail for postmaster now", "postmaster", facts);
}

}  // namespace

std::string Decision::explain() const {
  std::string text = rule + ": ";
  text += action == Action::accept ? "accept" : action == Action::reject ? "reject " + reply.line() : "look up";
  for (const auto& [name, value] : looked_up) {
    text += (&name == &looked_up.front().first ? "; " : ", ") + name + "=" + printable(value, 256);
  }
  return text;
}

bool is_ours(const address::Address& address, const net::Ip& local_ip, const Rules& rules) {
  if (address.domain.empty()) return true;
  if (const auto ip = literal(address.domain)) return *ip == local_ip || is_own(*ip, rules);
  return rules.tables.is_local(to_lower(address.domain));
}

Decision judge_sender(const ClientFacts& client) {
  if (client.role == Role::submission && client.login.empty()) {
    return {Action::reject, {530, "5.7.0", "Authentication required"}, "submission_wants_auth", {}};
  }
  return {Action::accept, {250, "2.1.0", "Ok"}, "permit", {{"login", client.login}}};
}

Decision judge_recipient(const RecipientFacts& facts, const Rules& rules) {
  const auto& recipient = facts.recipient;
  const bool to_reader = is_for_postmaster(facts, rules);
  if (!to_reader && !is_ours(recipient, facts.client.local_ip, rules)) return judge_relay(facts);
  auto decision = to_reader || iequals(recipient.local_part, "postmaster") ? judge_postmaster(facts, rules)
                                                                           : judge_ours(facts, rules);
  decision.ours = true;
  const bool named = recipient.domain.empty() || rules.tables.is_local(to_lower(recipient.domain));
  if (!named) decision.domain = rules.tables.default_domain();
  return decision;
}

}  // namespace facteur::smtpd
