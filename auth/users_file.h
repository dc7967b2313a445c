// The users file: accounts that are no users of the system.
//
//   jim@minfo.sn: {password: "$y$...", mail: "maildir:~/Mail", uid: 5000, gid: 5000, home: /srv/mail/jim}
//   jules@minfo.sn: "$y$..."                    # short: the hash of the password alone
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "config/yaml.h"

namespace facteur::auth {

struct User {
  std::string name;      ///< "jim@minfo.sn", lower case
  std::string password;  ///< a hash
  std::string mail;      ///< in the place of mail_location; empty: as that says
  std::string home;      ///< empty: below virtual_mail_root
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  config::Place place;
  std::string problem;  ///< why it cannot be used; its mail then waits. Empty: it can
};

struct UsersFile {
  std::map<std::string, User> users;  ///< by name
  std::string first;                  ///< the name of the first entry
  std::vector<std::string> problems;  ///< "file:line:column: what"
  bool unreadable = false;            ///< there should be users, but the file cannot be read
};

constexpr std::size_t max_users = 200'000;

/// Reads the text of `file`; names without a domain are in `default_domain`. An error (Kind::permanent) only where
/// the whole is no YAML map, else what is wrong with single entries is in them and in `problems`.
[[nodiscard]] Result<UsersFile> parse_users(std::string_view text, const std::string& file,
                                            const std::string& default_domain);

}  // namespace facteur::auth
