// Who runs this program, for the sender of the message.
#pragma once

#include <string>
#include <string_view>

namespace facteur::cli::sendmail {

struct Caller {
  std::string login;      ///< of the passwd file, or "uid1000" if it has none
  std::string full_name;  ///< $NAME, else of the GECOS field
};
[[nodiscard]] Caller find_caller();

/// The full name in a GECOS field: up to the first comma, "&" standing for the login name with a capital.
[[nodiscard]] std::string gecos_name(std::string_view gecos, std::string_view login);

}  // namespace facteur::cli::sendmail
