#include "smtpd/server/listener.h"

#include <algorithm>

#include "common/base/strings.h"
#include "config/listener.h"

namespace facteur::smtpd {
namespace {

bool contains(const std::vector<net::Cidr>& networks, const net::Ip& ip) {
  return std::any_of(networks.begin(), networks.end(), [&](const auto& network) { return network.contains(ip); });
}

smtp::BareNewline mode(config::BareNewline setting) {
  switch (setting) {
    case config::BareNewline::normalize: return smtp::BareNewline::normalize;
    case config::BareNewline::reject: return smtp::BareNewline::reject;
    case config::BareNewline::allow: return smtp::BareNewline::no;
  }
  return smtp::BareNewline::normalize;
}

Role role_of(std::string_view name) {
  if (name == "submit") return Role::local;
  return name == "submission" || name == "smtps" ? Role::submission : Role::smtp;
}

}  // namespace

Limits session_limits(const config::Settings& settings, Role role, bool tls_available) {
  Limits limits;
  limits.hostname = settings.hostname;
  limits.origin = settings.domains.empty() ? settings.hostname : settings.domains.front();
  if (!settings.smtpd_banner.empty()) limits.banner = settings.smtpd_banner;
  limits.message_size_limit = settings.message_size_limit;
  limits.line_length_limit = static_cast<std::size_t>(settings.line_length_limit);
  limits.hopcount_limit = static_cast<unsigned>(settings.hopcount_limit);
  limits.forbid_bare_newline = mode(settings.smtpd_forbid_bare_newline);
  limits.helo_required = settings.smtpd_helo_required;
  limits.disable_vrfy_command = settings.disable_vrfy_command;
  limits.recipient_limit = static_cast<unsigned>(settings.smtpd_recipient_limit);
  limits.recipient_overshoot_limit = static_cast<unsigned>(settings.smtpd_recipient_overshoot_limit);
  limits.soft_error_limit = static_cast<unsigned>(settings.smtpd_soft_error_limit);
  limits.hard_error_limit = static_cast<unsigned>(settings.smtpd_hard_error_limit);
  limits.junk_command_limit = static_cast<unsigned>(settings.smtpd_junk_command_limit);
  limits.error_sleep_time = settings.smtpd_error_sleep_time;
  limits.timeout = settings.smtpd_timeout;
  limits.starttls_timeout = settings.smtpd_starttls_timeout;
  limits.min_data_rate = settings.smtpd_min_data_rate;
  limits.tls_available = tls_available;
  limits.tls_required = settings.smtpd_tls_security_level == config::TlsLevel::encrypt && role != Role::local;
  limits.plaintext_auth = !settings.disable_plaintext_auth;
  const bool login = role == Role::submission || (role == Role::smtp && settings.smtpd_sasl_auth_enable);
  if (!login) return limits;
  for (const auto& mechanism : settings.auth_mechanisms) limits.sasl_mechanisms.push_back(to_upper(mechanism));
  return limits;
}

Result<std::shared_ptr<const Listener>> make_listener(const config::Settings& settings, const master::Listener& from,
                                                      std::shared_ptr<const tls::Context> tls) {
  auto listener = std::make_shared<Listener>();
  listener->role = role_of(from.role);
  const auto role = listener->role == Role::submission ? config::Role::submission : config::Role::smtp;
  const auto own = config::settings_at(settings, role, from.address);
  if (!own) return fail(own);
  listener->name = from.role + " " + from.address;
  listener->implicit_tls = from.tls == master::Tls::implicit;
  const bool wants_tls = from.tls != master::Tls::none && own->smtpd_tls_security_level != config::TlsLevel::none;
  if (wants_tls || listener->implicit_tls) listener->tls = std::move(tls);
  if (listener->implicit_tls && !listener->tls) {
    return fail(Kind::permanent, listener->name + ": TLS at once, and no certificate: see tls.certificate");
  }
  listener->limits = session_limits(*own, listener->role, listener->tls != nullptr);
  listener->open_limits = listener->limits;
  listener->open_limits.plaintext_auth = true;
  listener->plaintext_from = own->allow_plaintext_from;
  listener->connection_count_limit = static_cast<unsigned>(own->smtpd_client_connection_count_limit);
  listener->mynetworks = own->mynetworks;
  return listener;
}

const Limits& Listener::limits_for(const net::Ip& client) const {
  return contains(plaintext_from, client) ? open_limits : limits;
}

bool Listener::is_mine(const net::Ip& client) const {
  return contains(mynetworks, client);
}

bool Listener::limits_count(const ClientFacts& client) const {
  if (connection_count_limit == 0) return false;
  return client.role == Role::local ? client.uid != 0 : !is_mine(client.ip);
}

smtp::Reply Listener::too_many(const std::string& caller) const {
  return {421, "4.7.0", limits.hostname + " Error: too many connections from " + caller};
}

}  // namespace facteur::smtpd
