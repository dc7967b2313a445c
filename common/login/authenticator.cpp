#include "common/login/authenticator.h"

namespace facteur::login {

std::optional<std::string> plain_message(std::string_view user, std::string_view password) {
  constexpr char nul = '\0';
  if (user.empty() || user.find(nul) != std::string_view::npos || password.find(nul) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string message(1, nul);
  message += user;
  message += nul;
  message += password;
  return message;
}

}  // namespace facteur::login
