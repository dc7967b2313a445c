#include "master/programs.h"

namespace facteur::master {

std::string_view program_of_role(std::string_view role) {
  if (role.starts_with("pop3")) return "pop3-login";
  if (role.starts_with("imap")) return "imap-login";
  return "smtpd";
}

}  // namespace facteur::master
