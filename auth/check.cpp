#include "auth/check.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/sources.h"
#include "common/base/fd.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "common/process/mail_place.h"
#include "common/route/loops.h"
#include "common/route/tables.h"
#include "common/tls/context.h"
#include "config/combinations.h"
#include "config/listener.h"

namespace facteur::auth {

namespace {

/// From here on ports are open to everybody (ip(7)).
std::uint16_t first_free_port() {
  constexpr std::uint16_t usual = 1024;
  const auto text = fs::read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  return text ? parse_number<std::uint16_t>(trim(*text)).value_or(usual) : usual;
}

/// An account that cannot be served, for a reason that is not told elsewhere.
bool is_problem(const std::optional<Found>& found) {
  if (!found || found->existence != Existence::temporary) return false;
  return !found->text.starts_with("mail_uid: ") && !found->text.starts_with("mail_gid: ");
}

class Inspection {
 public:
  Inspection(const config::Loaded& loaded, const Powers& powers, Passwd& passwd)
      : loaded_(loaded), s_(loaded.settings), powers_(powers), passwd_(passwd) {}

  std::vector<std::string> run() {
    problems_ = refused_settings(loaded_, powers_, passwd_);
    inspect_listeners();
    inspect_tls();
    inspect_log();
    if (powers_.real_root) inspect_system_users();
    inspect_sources();
    return std::move(problems_);
  }

 private:
  /// A problem of a setting: with its place if it was written, else by its name alone.
  void tell(std::string_view name, const std::string& what) {
    problems_.push_back(config::problem_of(loaded_, name, what));
  }

  void inspect_listeners() {
    for (const auto& listener : config::all_listeners(s_)) {
      const auto where = listener.endpoint.to_string();
      const auto name = config::setting_of(s_, listener);
      if (!powers_.real_root && listener.endpoint.port < first_free_port()) {
        tell(name, fmt::format("port {} can only be opened by root", listener.endpoint.port));
      }
      if (!can_log_in(listener)) {
        tell(s_.tls_certificate.empty() ? std::string_view("tls.certificate") : name,
             fmt::format("nobody can log in on {}: there is no TLS, and passwords without it are refused", where));
      }
    }
  }

  /// Whether anybody can, where everybody must.
  [[nodiscard]] bool can_log_in(const config::Listener& listener) const {
    const auto on_it = config::settings_on(s_, listener);
    if (!on_it || listener.role == config::Role::smtp) return true;
    const bool starttls_off = listener.role == config::Role::submission && listener.tls == config::TlsMode::starttls &&
                              on_it->smtpd_tls_security_level == config::TlsLevel::none;
    const bool no_tls = listener.tls == config::TlsMode::none || starttls_off;
    return !no_tls || !on_it->disable_plaintext_auth || !on_it->allow_plaintext_from.empty();
  }

  void inspect_tls() {
    if (s_.tls_certificate.empty()) return;
    const auto& key = s_.tls_key.empty() ? s_.tls_certificate : s_.tls_key;
    const auto context = tls::Context::server(s_.tls_certificate, key);
    if (!context) tell("tls.certificate", context.error().text);
  }

  void inspect_log() {
    if (!s_.log.starts_with('/')) return;
    const auto folder = s_.log.substr(0, std::max<std::size_t>(s_.log.rfind('/'), 1));
    struct stat status{};
    if (stat(folder.c_str(), &status) < 0) tell("log", fail_errno(printable(folder), errno).error().text);
    if (stat(s_.log.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) tell("log", printable(s_.log) + " is a folder");
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
      if (user && !*user) tell(name, "there is no user " + printable(value));
    }
    if (loaded_.places.contains("admin_group")) inspect_group("admin_group", s_.admin_group);
  }

  void inspect_group(std::string_view name, const std::string& value) {
    const auto group = group_or_gid(passwd_, value);
    if (group && !*group) tell(name, "there is no group " + printable(value));
  }

  /// Who owns the mail of accounts that name nobody. The defaults need not exist where there is no such account.
  void inspect_mail_owner(const std::map<std::string, User>& users) {
    if (!powers_.real_root) return;
    const auto wanted = [&](std::string_view name, auto member) {
      return loaded_.places.contains(name) || std::ranges::any_of(users, [&](const auto& entry) {
               return entry.second.problem.empty() && !(entry.second.*member);
             });
    };
    const auto owner = user_or_uid(passwd_, s_.mail_uid);
    if (wanted("mail_uid", &User::uid) && owner && !*owner)
      tell("mail_uid", "there is no user " + printable(s_.mail_uid));
    if (wanted("mail_gid", &User::gid)) inspect_group("mail_gid", s_.mail_gid);
  }

  /// What a setting names and cannot be read, at the place of the setting.
  void inspect_file(std::string_view name, const std::string& path, std::vector<std::string>& told) {
    if (path.empty()) return;
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file) return;
    const auto why = fail_errno("open " + printable(path), errno).error().text;
    tell(name, why);
    told.push_back(why);
  }

  void inspect_sources() {
    std::vector<std::string> told;
    inspect_file("users", s_.users, told);
    inspect_file("virtual_alias_maps", s_.virtual_alias_maps.file, told);
    const auto compiled = compile(s_, powers_, passwd_);
    if (!compiled) {
      for (const auto line : split(compiled.error().text, '\n')) {
        if (std::ranges::find(told, line) == told.end()) problems_.emplace_back(line);
      }
      inspect_mail_owner({});
      return;
    }
    for (const auto& problem : compiled->problems) {
      // What is written in the settings themselves has its place there.
      const auto colon = problem.find(": ");
      const auto name = std::string_view(problem).substr(0, colon);
      if (config::find_setting(name) != nullptr) {
        tell(name, problem.substr(colon + 2));
      } else {
        problems_.push_back(problem);
      }
    }
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
    inspect_mail_owner(users);
    for (const auto& [name, user] : users) inspect_account(user, *compiled->accounts);
    inspect_mail_location(users, *compiled->accounts);
    inspect_index_location(users, *compiled->accounts);
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
    if (is_problem(found)) tell("mail_location", found->text);
  }

  /// A place that two accounts would share, or where none could have its index.
  void inspect_index_location(const std::map<std::string, User>& users, const Accounts& accounts) {
    if (s_.index_location.empty()) return;
    std::map<std::string, std::string> owners;
    for (const auto& [name, user] : users) {
      const auto found = accounts.find_in_file(name);
      if (!found || found->existence != Existence::exists) continue;
      const auto index = process::index_place(found->account, s_).path;
      const auto [other, fresh] = owners.emplace(index, name);
      if (!fresh) {
        return tell("index_location", fmt::format("{} and {} would both have {}", other->second, name, index));
      }
    }
    const auto root = process::index_root(s_);
    struct stat status{};
    if (!root.empty() && lstat(root.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
      tell("index_location", printable(root) + " is not a folder");
    }
  }

  void inspect_account(const User& user, const Accounts& accounts) {
    if (!user.problem.empty()) return;  // it has been told
    const auto domain = route::split_address(user.name).domain;
    const auto found = accounts.find_in_file(user.name);
    const auto complain = [&](const std::string& what) { problems_.push_back(user.place.text() + ": " + what); };
    if (std::ranges::find(s_.domains, domain) == s_.domains.end()) {
      complain(fmt::format("{} gets no mail: {} is not in domains", user.name, domain));
    }
    if (is_problem(found)) complain(found->text);
  }

  const config::Loaded& loaded_;
  const config::Settings& s_;
  const Powers& powers_;
  Passwd& passwd_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> refused_settings(const config::Loaded& loaded, const Powers& powers, Passwd& passwd) {
  config::UidOf uid_of;
  if (powers.real_root) {
    uid_of = [&passwd](const std::string& name) -> std::optional<std::uint32_t> {
      const auto user = user_or_uid(passwd, name);
      return user && *user ? std::optional((*user)->uid) : std::nullopt;
    };
  }
  return config::check_alone(loaded, uid_of);
}

std::vector<std::string> check_settings(const config::Loaded& loaded, const Powers& powers, Passwd& passwd) {
  return Inspection(loaded, powers, passwd).run();
}

Powers own_powers(bool real_root) {
  return {real_root, geteuid(), getegid()};
}

}  // namespace facteur::auth
