// What CAPA tells (RFC 2449) before and after login alike.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"

namespace facteur::pop3d {

/// EXPIRE NEVER: mail stays until the client deletes it (RFC 2449 section 6.7). There is no LOGIN-DELAY.
constexpr std::array<std::string_view, 7> common_capabilities{
    "TOP",                     // RFC 1939 section 7
    "UIDL",                    // RFC 1939 section 7
    "RESP-CODES",              // RFC 2449 section 6.4
    "AUTH-RESP-CODE",          // RFC 3206 section 6
    "PIPELINING",              // RFC 2449 section 6.6
    "EXPIRE NEVER",            // RFC 2449 section 6.7
    "IMPLEMENTATION Facteur",  // RFC 2449 section 6.9
};

/// Calls `tell` with the capabilities of the ways to log in (RFC 2449 sections 6.2 and 6.3), where there are any.
inline void tell_login_capabilities(const std::vector<std::string>& mechanisms,
                                    const std::function<void(std::string_view)>& tell) {
  tell("USER");
  if (!mechanisms.empty()) tell("SASL " + join(mechanisms, " "));
}

}  // namespace facteur::pop3d
