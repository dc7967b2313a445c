// Strings as the server sends them (RFC 3501 section 4.3): quoted where that is possible, as a literal otherwise.
#pragma once

#include <string>
#include <string_view>

namespace facteur::imapd {

/// A quoted string or a literal.
void append_string(std::string& out, std::string_view value);
/// An atom where that is possible, else a string.
void append_astring(std::string& out, std::string_view value);
/// A mailbox name, which is UTF-8, in its wire form.
void append_mailbox(std::string& out, std::string_view name);

}  // namespace facteur::imapd
