#include "auth/accounts.h"

#include <algorithm>
#include <fmt/format.h>

#include "auth/user_name.h"
#include "common/base/strings.h"
#include "common/process/mail_place.h"
#include "common/route/tables.h"

namespace facteur::auth {

namespace {

Found temporary(const std::string& text) {
  Found out;
  out.existence = Existence::temporary;
  out.text = text;
  return out;
}

bool is_below(const Account& account, const std::string& root) {
  const auto path = std::string_view(account.mail).substr(account.mail.find(':') + 1);
  return path.starts_with(root + "/");
}

}  // namespace

Accounts::Accounts(const config::Settings& settings, const Powers& powers, UsersFile users, Passwd& passwd)
    : settings_(settings), powers_(powers), users_(std::move(users)), passwd_(passwd) {
  if (const auto user = user_or_uid(passwd, settings.mail_uid); user && *user) mail_uid_ = (*user)->uid;
  if (const auto group = group_or_gid(passwd, settings.mail_gid); group && *group) mail_gid_ = *group;
  for (const auto* own :
       {&settings.facteur_user, &settings.login_user, &settings.auth_user, &settings.queue_user, &settings.out_user}) {
    if (const auto user = user_or_uid(passwd, *own); user && *user) own_uids_.push_back((*user)->uid);
  }
}

Found Accounts::find(std::string_view name) const {
  if (auto found = find_in_file(name)) return std::move(*found);
  const auto canonical = canonical_name(name);
  return find_system(std::string(route::split_address(*canonical).local));
}

std::optional<Found> Accounts::find_in_file(std::string_view name) const {
  const auto canonical = canonical_name(name);
  if (!canonical) return Found{};
  if (const User* user = user_named(*canonical)) return find_virtual(*user);
  if (users_.unreadable) return temporary("the users file cannot be read");
  const auto [local, domain] = route::split_address(*canonical);
  const bool system = settings_.system_users && !settings_.domains.empty() && (domain.empty() || is_ours(domain));
  if (!system) return Found{};
  return std::nullopt;
}

const User* Accounts::user_named(const std::string& canonical) const {
  const auto found = [this](const std::string& name) {
    const auto user = users_.users.find(name);
    return user == users_.users.end() ? nullptr : &user->second;
  };
  if (canonical.contains('@')) return found(canonical);
  for (const auto& domain : settings_.domains) {
    if (const User* user = found(canonical + "@" + domain)) return user;
  }
  return nullptr;
}

Found Accounts::find_virtual(const User& user) const {
  if (!user.problem.empty()) return temporary(user.problem);
  const auto uid = user.uid ? user.uid : powers_.real_root ? mail_uid_ : powers_.uid;
  const auto gid = user.gid ? user.gid : powers_.real_root ? mail_gid_ : powers_.gid;
  if (!uid) return temporary(fmt::format("mail_uid: there is no user {}", settings_.mail_uid));
  if (!gid) return temporary(fmt::format("mail_gid: there is no group {}", settings_.mail_gid));
  if (!valid_uid(*uid)) return temporary(fmt::format("{}: mail cannot belong to uid {}", user.name, *uid));
  const auto [local, domain] = route::split_address(user.name);
  Found out;
  out.existence = Existence::exists;
  out.account.name = user.name;
  out.account.uid = *uid;
  out.account.gid = *gid;
  out.account.home =
      user.home.empty() ? fmt::format("{}/{}/{}", settings_.virtual_mail_root, domain, local) : user.home;
  const auto& location = user.mail.empty() ? settings_.mail_location : user.mail;
  out.account.mail = process::expand_mail(location, out.account);
  // Nothing can be made elsewhere: mail for it waits at the sender's, not with us.
  if (!is_below(out.account, settings_.virtual_mail_root)) {
    return temporary(
        fmt::format("the mail of {} is not below virtual_mail_root, {}", user.name, settings_.virtual_mail_root));
  }
  out.password = user.password;
  out.record = user.password;
  return out;
}

Found Accounts::find_system(const std::string& local) const {
  const auto user = passwd_.user(local);
  if (!user) return temporary(user.error().text);
  // A name service that folds case or finds by other keys must not give one user two accounts.
  if (!*user || (*user)->name != local || !valid_uid((*user)->uid) || !(*user)->home.starts_with('/')) return {};
  const auto& domain = settings_.domains.front();
  Found out;
  out.existence = Existence::exists;
  out.account.name = local + "@" + domain;
  out.account.system_user = local;
  out.account.uid = (*user)->uid;
  out.account.gid = (*user)->gid;
  out.account.home = (*user)->home;
  out.account.mail = process::expand_mail(settings_.mail_location, out.account);
  out.record = passwd_.stamp();
  return out;
}

bool Accounts::is_ours(std::string_view domain) const {
  return std::ranges::any_of(settings_.domains, [&](const auto& ours) { return iequals(ours, domain); });
}

bool Accounts::valid_uid(std::uint32_t uid) const {
  if (!powers_.real_root) return uid == powers_.uid;
  return uid != 0 && uid >= settings_.first_valid_uid && std::ranges::find(own_uids_, uid) == own_uids_.end();
}

}  // namespace facteur::auth
