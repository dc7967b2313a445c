#include "cli/sendmail/caller.h"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

#include "common/base/strings.h"

namespace facteur::cli::sendmail {

std::string gecos_name(std::string_view gecos, std::string_view login) {
  std::string out;
  for (const char c : gecos.substr(0, gecos.find(','))) {
    if (c != '&') {
      out += c;
    } else if (!login.empty()) {
      out += ascii_upper(login[0]);
      out += login.substr(1);
    }
  }
  return out;
}

Caller find_caller() {
  Caller caller;
  const auto* entry = ::getpwuid(::getuid());
  caller.login = entry != nullptr ? entry->pw_name : "uid" + std::to_string(::getuid());
  if (const char* name = std::getenv("NAME"); name != nullptr && *name != '\0') {
    caller.full_name = name;
  } else if (entry != nullptr) {
    caller.full_name = gecos_name(entry->pw_gecos, caller.login);
  }
  return caller;
}

}  // namespace facteur::cli::sendmail
