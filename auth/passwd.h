// The users of the system, as the name service knows them. Calls block: in a server they run on the work pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace facteur::auth {

struct SystemUser {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string home;
};

/// getpwnam_r(3), getgrnam_r(3); tests have their own.
class Passwd {
 public:
  virtual ~Passwd() = default;
  [[nodiscard]] virtual Result<std::optional<SystemUser>> user(const std::string& name);
  [[nodiscard]] virtual Result<std::optional<std::uint32_t>> group(const std::string& name);
  /// The users of /etc/passwd itself, in its order; at most `max_local_users`.
  [[nodiscard]] virtual std::vector<SystemUser> local_users();
  /// Changes whenever the password of a system user may have changed; needs no right to read passwords.
  [[nodiscard]] virtual std::string stamp();

  static constexpr std::size_t max_local_users = 10'000;
};

/// A user or a group of a setting: its name or a number. Nothing if there is none of that name.
[[nodiscard]] Result<std::optional<SystemUser>> user_or_uid(Passwd& passwd, const std::string& text);
[[nodiscard]] Result<std::optional<std::uint32_t>> group_or_gid(Passwd& passwd, const std::string& text);

}  // namespace facteur::auth
