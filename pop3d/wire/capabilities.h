// What CAPA tells (RFC 2449) before and after login alike.
#pragma once

#include <array>
#include <string_view>

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

}  // namespace facteur::pop3d
