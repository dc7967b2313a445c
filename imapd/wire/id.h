// ID (RFC 2971): the same before and after login.
#pragma once

#include <string_view>

#include "imapd/wire/parser.h"

namespace facteur::imapd {

/// The arguments of ID, with the bounds of section 3.3. What the client says of itself is not kept.
void parse_id(Parser& arguments);
/// What the server says of itself: its name. No version, which would only help who looks for old ones.
constexpr std::string_view id_response = "* ID (\"name\" \"Facteur\")\r\n";

}  // namespace facteur::imapd
