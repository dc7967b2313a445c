#include "auth/check.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/sources.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/route/loops.h"
#include "common/route/tables.h"
#include "common/tls/context.h"
#include "config/listener.h"

namespace facteur::auth {

namespace {

/// From here on ports are open to everybody (ip(7)).
std::uint16_t first_free_port() {
  constexpr std::uint16_t usual = 1024;
  const auto text = fs::read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  return text ? parse_number<std::uint16_t>(trim(*text)).value_or(usual) : usual;
}

class Inspection {
 public:
  Inspection(const config::Loaded& loaded, const Powers& powers, Passwd& passwd)
      : loaded_(loaded), s_(loaded.settings), powers_(powers), passwd_(passwd) {}

  std::vector<std::string> run() {
    inspect_times_and_limits();
    inspect_listeners();
    inspect_tls();
    if (powers_.real_root) inspect_system_users();
    inspect_sources();
    return std::move(problems_);
  }

 private:
  /// A problem of a setting: with its place if it was written, else by its name alone.
  void tell(std::string_view name, const std::string& what) {
    const auto place = loaded_.places.find(name);
    const std::string where = place == loaded_.places.end() ? "default" : place->second.text();
    problems_.push_back(fmt::format("{}: {}: {}", where, name, what));
  }

  void inspect_times_and_limits() {
    if (s_.minimal_backoff_time > s_.maximal_backoff_time) {
      tell("minimal_backoff_time", "is more than maximal_backoff_time, " + show_duration(s_.maximal_backoff_time));
    }
    if (s_.smtpd_soft_error_limit > s_.smtpd_hard_error_limit) {
      tell("smtpd_soft_error_limit", fmt::format("is more than smtpd_hard_error_limit, {}", s_.smtpd_hard_error_limit));
    }
    if (s_.auth_failure_delay > s_.auth_failure_max_delay) {
      tell("auth_failure_delay", "is more than auth_failure_max_delay, " + show_duration(s_.auth_failure_max_delay));
    }
    if (s_.auth_failure_max_delay >= s_.auth_timeout) {
      tell("auth_failure_max_delay", "is not less than auth_timeout, " + show_duration(s_.auth_timeout));
    }
  }

  void inspect_listeners() {
    std::set<std::string> seen;
    for (const auto& listener : config::all_listeners(s_)) {
      const auto where = listener.endpoint.to_string();
      const bool general =
          std::ranges::find(s_.listeners, listener.endpoint, &config::Listener::endpoint) == s_.listeners.end();
      const char* name = general ? "ports" : "listeners";
      if (!seen.insert(where).second) tell(name, "two listeners on " + where);
      if (!powers_.real_root && listener.endpoint.port < first_free_port()) {
        tell(name, fmt::format("port {} can only be opened by root", listener.endpoint.port));
      }
      if (listener.tls == config::TlsMode::none && s_.disable_plaintext_auth && s_.allow_plaintext_from.empty() &&
          listener.role != config::Role::smtp) {
        tell(s_.tls_certificate.empty() ? "tls.certificate" : name,
             fmt::format("nobody can log in on {}: there is no TLS, and passwords without it are refused", where));
      }
    }
  }

  void inspect_tls() {
    if (s_.tls_certificate.empty()) {
      if (!s_.tls_key.empty()) tell("tls.key", "there is no tls.certificate");
      if (s_.smtpd_tls_security_level == config::TlsLevel::encrypt) {
        tell("smtpd_tls_security_level", "is encrypt, but there is no tls.certificate");
      }
      return;
    }
    const auto& key = s_.tls_key.empty() ? s_.tls_certificate : s_.tls_key;
    const auto context = tls::Context::server(s_.tls_certificate, key);
    if (!context) tell("tls.certificate", context.error().text);
  }

  void inspect_system_users() {
    struct Named {
      const char* name;
      const std::string& value;
    };
    for (const auto& [name, value] : {Named{"facteur_user", s_.facteur_user}, Named{"login_user", s_.login_user},
                                      Named{"auth_user", s_.auth_user}, Named{"queue_user", s_.queue_user},
                                      Named{"out_user", s_.out_user}, Named{"default_privs", s_.default_privs}}) {
      const auto user = user_or_uid(passwd_, value);
      if (user && !*user) tell(name, fmt::format("there is no user {}", value));
      if (user && *user && (*user)->uid == 0) tell(name, "is root");
    }
  }

  void inspect_sources() {
    const auto compiled = compile(s_, powers_, passwd_);
    if (!compiled) {
      for (const auto line : split(compiled.error().text, '\n')) problems_.emplace_back(line);
      return;
    }
    problems_.insert(problems_.end(), compiled->problems.begin(), compiled->problems.end());
    for (const auto& loop : route::find_loops(compiled->tables)) {
      if (loop.line == 0) {
        tell("virtual_alias_maps", loop.what());  // written in the settings themselves
      } else {
        problems_.push_back(fmt::format("{}:{}: {}", loop.file, loop.line, loop.what()));
      }
    }
    for (const auto& path : s_.aliases) {
      const bool written = loaded_.places.contains("aliases");  // without an MTA before us there is no /etc/aliases
      if (written && access(path.c_str(), F_OK) < 0) tell("aliases", path + " does not exist");
    }
    const auto& users = compiled->accounts->users().users;
    for (const auto& [name, user] : users) inspect_account(user, *compiled->accounts);
    inspect_mail_location(users, *compiled->accounts);
    struct stat status{};
    if (!s_.users.empty() && stat(s_.users.c_str(), &status) == 0 && (status.st_mode & S_IROTH)) {
      tell("users", s_.users + " holds password hashes and can be read by everybody: chmod o-r");
    }
  }

  /// A place that no user of the file could have.
  void inspect_mail_location(const std::map<std::string, User>& users, const Accounts& accounts) {
    const auto plain = std::ranges::find_if(users, [](const auto& entry) {
      const User& user = entry.second;
      return user.problem.empty() && user.mail.empty() && user.home.empty() && !user.uid && !user.gid;
    });
    if (plain == users.end()) return;
    const auto found = accounts.find_in_file(plain->first);
    if (found && found->existence == Existence::temporary) tell("mail_location", found->text);
  }

  void inspect_account(const User& user, const Accounts& accounts) {
    if (!user.problem.empty()) return;  // it has been told
    const auto domain = route::split_address(user.name).domain;
    const auto found = accounts.find_in_file(user.name);
    const auto complain = [&](const std::string& what) { problems_.push_back(user.place.text() + ": " + what); };
    if (std::ranges::find(s_.domains, domain) == s_.domains.end()) {
      complain(fmt::format("{} gets no mail: {} is not in domains", user.name, domain));
    }
    if (found && found->existence == Existence::temporary) complain(found->text);
  }

  const config::Loaded& loaded_;
  const config::Settings& s_;
  const Powers& powers_;
  Passwd& passwd_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> check_settings(const config::Loaded& loaded, const Powers& powers, Passwd& passwd) {
  return Inspection(loaded, powers, passwd).run();
}

Powers own_powers(bool real_root) {
  return {real_root, geteuid(), getegid()};
}

}  // namespace facteur::auth
