// Names as the server sends them (RFC 3501 section 9): an atom where that is possible, a string otherwise.
#pragma once

#include <string>
#include <string_view>

namespace facteur::imapd {

/// An atom where that is possible, else a string.
void append_astring(std::string& out, std::string_view value);
/// A mailbox name, which is UTF-8, in its wire form.
void append_mailbox(std::string& out, std::string_view name);

}  // namespace facteur::imapd
