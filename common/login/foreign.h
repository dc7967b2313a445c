// Clients that speak another protocol: web browsers steered at us, SSH, SIP and RDP scanners, TLS on a clear port.
#pragma once

#include <string_view>

namespace facteur::login {

/// Whether the first octets of a connection cannot be a line of text at all: the first is a control character (TLS and
/// RDP begin so) or an 8-bit octet. An empty view is not foreign.
[[nodiscard]] bool is_foreign_start(std::string_view octets);
/// Whether the first line of a connection is a request of another protocol that sends lines (HTTP, SIP, SSH, SMTP).
/// Such a client is hung up on: its further lines are somebody else's text (cross-protocol attacks, ALPACA 2021).
[[nodiscard]] bool is_foreign_line(std::string_view line);

}  // namespace facteur::login
