// What the settings say to a session.
#pragma once

#include <cstdint>
#include <string>

#include "imapd/wire/limits.h"

namespace facteur::imapd {

struct Settings {
  std::string user;  ///< the account's name, for the log
  CommandLimits limits = limits_after_login;
  std::uint64_t message_size_limit = 50U << 20;  ///< octets of a message that APPEND takes
};

}  // namespace facteur::imapd
