#include "master/users.h"

#include <array>
#include <pwd.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/strings.h"

namespace facteur::master {
namespace {

constexpr std::array own_users{&config::Settings::facteur_user, &config::Settings::login_user,
                               &config::Settings::auth_user, &config::Settings::queue_user,
                               &config::Settings::out_user};

/// Below `root`, by the text alone: no "..", no empty or dot parts.
bool lies_below(std::string_view path, std::string_view root) {
  if (!path.starts_with(root) || path.size() <= root.size() + 1 || path[root.size()] != '/') return false;
  for (const auto part : split(path.substr(root.size() + 1), '/')) {
    if (part == ".." || part == ".") return false;
  }
  return true;
}

/// The folder or file of a mail_location.
std::string mail_path(const auth::Account& account) {
  return account.mail.substr(account.mail.find(':') + 1);
}

}  // namespace

Result<User> find_user(const std::string& name) {
  if (const auto number = parse_number<std::uint32_t>(name)) return User{*number, *number};
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) {
    return fail(Kind::permanent, "there is no system user " + printable(name) + ": make it (adduser --system --group " +
                                     printable(name) + "), or name another one in the settings");
  }
  return User{entry->pw_uid, entry->pw_gid};
}

Result<> check_account(const auth::Account& account, const config::Settings& settings, bool real_root) {
  const std::string who = "account " + printable(account.name) + ": uid " + std::to_string(account.uid);
  if (!real_root && account.uid != ::geteuid()) {
    return fail(Kind::permanent, who + " is not ours, and without root there is no other");
  }
  if (real_root && account.uid < settings.first_valid_uid)
    return fail(Kind::permanent, who + " is below first_valid_uid");
  if (account.uid == 0 || account.gid == 0) return fail(Kind::permanent, who + " is root's");
  for (const auto setting : own_users) {
    const auto user = real_root ? find_user(settings.*setting) : Result<User>(User{});
    if (user && user->uid == account.uid) return fail(Kind::permanent, who + " is one of Facteur's own");
  }
  if (account.system_user.empty() && !lies_below(mail_path(account), settings.virtual_mail_root)) {
    return fail(Kind::permanent, "account " + printable(account.name) + ": its mail " + printable(account.mail) +
                                     " is not below virtual_mail_root " + settings.virtual_mail_root);
  }
  return {};
}

}  // namespace facteur::master
