#include "config/combinations.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>

#include "common/base/strings.h"
#include "config/listener.h"
#include "config/value.h"

namespace facteur::config {
namespace {

class Combinations {
 public:
  explicit Combinations(const Loaded& loaded) : loaded_(loaded), s_(loaded.settings) {}

  std::vector<std::string> run() {
    inspect_times();
    inspect_limits();
    inspect_tls();
    inspect_addresses();
    inspect_dns();
    inspect_accounts();
    inspect_listeners();
    return std::move(problems_);
  }

 private:
  void tell(std::string_view name, const std::string& what) { problems_.push_back(problem_of(loaded_, name, what)); }
  [[nodiscard]] bool written(std::string_view name) const { return loaded_.places.contains(name); }

  void more_than(std::string_view name, Seconds value, std::string_view other, Seconds most) {
    if (value > most)
      tell(name, fmt::format("{} is more than {}, {}", show_duration(value), other, show_duration(most)));
  }
  void more_than(std::string_view name, std::uint64_t value, std::string_view other, std::uint64_t most) {
    if (value > most) tell(name, fmt::format("{} is more than {}, {}", value, other, most));
  }

  void inspect_times() {
    more_than("minimal_backoff_time", s_.minimal_backoff_time, "maximal_backoff_time", s_.maximal_backoff_time);
    if (written("bounce_queue_lifetime")) {
      more_than("bounce_queue_lifetime", s_.bounce_queue_lifetime, "maximal_queue_lifetime", s_.maximal_queue_lifetime);
    }
    more_than("auth_failure_delay", s_.auth_failure_delay, "auth_failure_max_delay", s_.auth_failure_max_delay);
    if (s_.auth_failure_max_delay >= s_.auth_timeout) {
      tell("auth_failure_max_delay",
           fmt::format("{} is not less than auth_timeout, {}", show_duration(s_.auth_failure_max_delay),
                       show_duration(s_.auth_timeout)));
    }
  }

  void inspect_limits() {
    more_than("smtpd_soft_error_limit", s_.smtpd_soft_error_limit, "smtpd_hard_error_limit", s_.smtpd_hard_error_limit);
    if (written("smtpd_client_connection_count_limit") && s_.smtpd_processes == 1) {
      more_than("smtpd_client_connection_count_limit", s_.smtpd_client_connection_count_limit, "smtpd_connection_limit",
                s_.smtpd_connection_limit);
    }
    if (written("initial_destination_concurrency")) {
      more_than("initial_destination_concurrency", s_.initial_destination_concurrency,
                "smtp_destination_concurrency_limit", s_.smtp_destination_concurrency_limit);
    }
    // Postfix wants room for half a message more: its envelope, and what delivery writes behind it.
    const auto room = s_.message_size_limit + s_.message_size_limit / 2;
    if (s_.queue_minfree > 0 && s_.queue_minfree < room) {
      tell("queue_minfree", fmt::format("{} is less than one and a half times message_size_limit, {}", s_.queue_minfree,
                                        s_.message_size_limit));
    }
  }

  void inspect_tls() {
    if (!s_.tls_certificate.empty()) return;
    if (!s_.tls_key.empty()) tell("tls.key", printable(s_.tls_key) + ": there is no tls.certificate");
    if (s_.smtpd_tls_security_level == TlsLevel::encrypt) {
      tell("smtpd_tls_security_level", "is encrypt, but there is no tls.certificate");
    }
  }

  void inspect_addresses() {
    if (s_.inet_protocols == IpVersions::all) return;
    const bool only_v4 = s_.inet_protocols == IpVersions::ipv4;
    const auto* const words = only_v4 ? "ipv4" : "ipv6";
    const auto excluded = [&](std::string_view text) {
      const auto ip = net::Ip::parse(text);
      return ip && ip->is_v4() != only_v4;
    };
    const auto other = [&](std::string_view name, const std::string& text) {
      if (excluded(text)) tell(name, fmt::format("{} is none of inet_protocols, {}", text, words));
    };
    for (const auto& text : s_.inet_interfaces) other("inet_interfaces", text);
    other("smtp_bind_address", s_.smtp_bind_address);
    other("smtp_bind_address6", s_.smtp_bind_address6);
  }

  void inspect_dns() {
    if (!s_.disable_dns_lookups) return;
    if (!s_.dns_servers.empty()) {
      tell("dns.servers", fmt::format("{} is never asked: disable_dns_lookups is yes", s_.dns_servers[0].to_string()));
    }
    if (!s_.relayhost.empty() && !s_.relayhost.starts_with('[')) {
      tell("relayhost",
           fmt::format("the MX records of {} are never asked for, disable_dns_lookups is yes: [{}] is a host",
                       s_.relayhost, s_.relayhost.substr(0, s_.relayhost.find(':'))));
    }
  }

  void inspect_accounts() {
    if (s_.users.empty() && !s_.system_users) tell("users", "is empty and system_users is no: nobody has an account");
    if (s_.auth_mechanisms.empty()) tell("auth_mechanisms", "is empty: nobody can log in");
  }

  /// The kernel would give each of the two its share of the connections.
  void inspect_listeners() {
    std::set<std::string> seen;
    for (const auto& listener : all_listeners(s_)) {
      const auto where = listener.endpoint.to_string();
      if (!seen.insert(where).second) tell(setting_of(s_, listener), "two listeners on " + where);
    }
  }

  const Loaded& loaded_;
  const Settings& s_;
  std::vector<std::string> problems_;
};

struct UidRole {
  std::string_view name;
  std::string Settings::* member;
};

/// Each has a uid that no other role has.
constexpr std::array<UidRole, 5> own_roles{{{"facteur_user", &Settings::facteur_user},
                                            {"login_user", &Settings::login_user},
                                            {"auth_user", &Settings::auth_user},
                                            {"queue_user", &Settings::queue_user},
                                            {"out_user", &Settings::out_user}}};
/// Those have a uid that none of the above has.
constexpr std::array<UidRole, 2> other_roles{
    {{"default_privs", &Settings::default_privs}, {"mail_uid", &Settings::mail_uid}}};

}  // namespace

std::string problem_of(const Loaded& loaded, std::string_view name, std::string_view what) {
  const auto place = loaded.places.find(name);
  return fmt::format("{}: {}: {}", place == loaded.places.end() ? "default" : place->second.text(), name, what);
}

std::vector<std::string> check_combinations(const Loaded& loaded) {
  return Combinations(loaded).run();
}

std::vector<std::string> check_roles(const Loaded& loaded, const UidOf& uid_of) {
  if (!uid_of) return {};
  std::vector<std::string> problems;
  std::vector<std::pair<UidRole, std::uint32_t>> seen;
  const auto inspect = [&](const UidRole& role, bool own) {
    const std::string& value = loaded.settings.*role.member;
    const auto uid = uid_of(value);
    if (!uid) return;  // that is told elsewhere
    if (*uid == 0) problems.push_back(problem_of(loaded, role.name, printable(value) + " is root"));
    const auto same = std::ranges::find(seen, *uid, &std::pair<UidRole, std::uint32_t>::second);
    if (*uid != 0 && same != seen.end()) {
      const auto& [other, number] = *same;
      // At the one of the two that was written; the later one if both were.
      const bool here = loaded.places.contains(role.name) || !loaded.places.contains(other.name);
      const auto& told = here ? role : other;
      problems.push_back(
          problem_of(loaded, told.name,
                     fmt::format("{} is uid {}, and so is {} ({}): each wants a uid of its own",
                                 printable(loaded.settings.*told.member), number, here ? other.name : role.name,
                                 printable(loaded.settings.*(here ? other : role).member))));
    }
    if (own) seen.emplace_back(role, *uid);
  };
  for (const auto& role : own_roles) inspect(role, true);
  for (const auto& role : other_roles) inspect(role, false);
  return problems;
}

std::vector<std::string> check_alone(const Loaded& loaded, const UidOf& uid_of) {
  auto problems = check_combinations(loaded);
  const auto roles = check_roles(loaded, uid_of);
  problems.insert(problems.end(), roles.begin(), roles.end());
  return problems;
}

}  // namespace facteur::config
