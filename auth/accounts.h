// Who has mail here: the users file first, then the users of the system.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/doors.h"
#include "auth/passwd.h"
#include "auth/users_file.h"
#include "config/settings.h"

namespace facteur::auth {

/// Under whom the stack runs.
struct Powers {
  bool real_root = false;  ///< accounts of every uid can be served
  std::uint32_t uid = 0;   ///< otherwise only those of this one
  std::uint32_t gid = 0;
};

/// What is known of a name.
struct Found {
  Existence existence = Existence::unknown;
  Account account;
  std::string password;  ///< hash; of virtual accounts only
  std::string record;    ///< changes whenever a remembered login must be forgotten
  std::string text;      ///< why it is temporary
};

/// One state of the accounts. Never changed once made, so the work pool and the loop share it.
class Accounts {
 public:
  Accounts(const config::Settings& settings, const Powers& powers, UsersFile users, Passwd& passwd);

  /// The account of "alice@example.test", or of "alice": the first of `domains` in which there is one. A system user
  /// has one account, named in the first of `domains`, whichever domain of ours the name has. Blocks on the name
  /// service.
  [[nodiscard]] Found find(std::string_view name) const;
  /// The same where it takes no name service: nothing if find() must be asked.
  [[nodiscard]] std::optional<Found> find_in_file(std::string_view name) const;
  [[nodiscard]] const UsersFile& users() const { return users_; }

 private:
  [[nodiscard]] Found find_virtual(const User& user) const;
  [[nodiscard]] const User* user_named(const std::string& canonical) const;
  [[nodiscard]] Found find_system(const std::string& local) const;
  [[nodiscard]] bool is_ours(std::string_view domain) const;
  [[nodiscard]] bool valid_uid(std::uint32_t uid) const;

  config::Settings settings_;
  Powers powers_;
  UsersFile users_;
  Passwd& passwd_;
  std::optional<std::uint32_t> mail_uid_;
  std::optional<std::uint32_t> mail_gid_;
  std::vector<std::uint32_t> own_uids_;  ///< Facteur's own, which are nobody's mail
};

}  // namespace facteur::auth
