// Changes the users file for `facteur user`: one entry at a time, all other lines and comments stay as they are. Every
// change is made under a lock and replaces the file so that a crash leaves the old one or the new one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "auth/users_file.h"
#include "common/base/result.h"

namespace facteur::auth {

struct NewUser {
  std::string name;      ///< with its domain
  std::string password;  ///< a hash
  std::string mail;      ///< empty: as mail_location says
};

/// Who shall own a users file that does not exist yet: it holds hashes, so it is 0640 for root and authd's group.
struct FileOwner {
  uid_t uid = static_cast<uid_t>(-1);  ///< -1: as the caller
  gid_t gid = static_cast<gid_t>(-1);
};

/// All errors are Kind::permanent for what was asked (a user there already, none of that name, a file written in a way
/// that cannot be edited safely), Kind::temporary for the file and its lock.
[[nodiscard]] Result<> add_users(const std::string& path, const std::vector<NewUser>& users,
                                 const FileOwner& owner = {});
[[nodiscard]] Result<> change_password(const std::string& path, std::string_view name, const std::string& hash);
[[nodiscard]] Result<> delete_user(const std::string& path, std::string_view name);

// The same on text, for tests.
[[nodiscard]] Result<std::string> with_users(std::string_view text, const std::vector<NewUser>& users);
[[nodiscard]] Result<std::string> with_password(std::string_view text, std::string_view name, const std::string& hash);
[[nodiscard]] Result<std::string> without_user(std::string_view text, std::string_view name);

}  // namespace facteur::auth
