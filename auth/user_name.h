// What a login name may be. Checked before any table, file or other program hears of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::auth {

/// The name in lower case, if it is one: a local-part of letters, digits and "._+=-" that begins with a letter, digit
/// or '_', alone or with '@' and a host name; at most 254 octets (RFC 5321 section 4.5.3.1.3). "root" is none: it has
/// no mail and no password here.
[[nodiscard]] std::optional<std::string> canonical_name(std::string_view name);
/// That in a few words, for who chose another name.
constexpr std::string_view account_name_rule =
    "letters, digits and . _ + = - (the first a letter, a digit or _), alone or with @ and a domain, and not root";

}  // namespace facteur::auth
