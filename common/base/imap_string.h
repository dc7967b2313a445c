// Strings as IMAP writes them (RFC 3501 section 4.3).
#pragma once

#include <string>
#include <string_view>

namespace facteur {

/// TEXT-CHAR (section 9): what a quoted string may hold, '"' and '\\' behind a backslash.
[[nodiscard]] constexpr bool is_imap_text_char(char c) {
  return c > 0 && c != '\r' && c != '\n';
}

/// A quoted string where that is possible, a literal otherwise.
void append_imap_string(std::string& out, std::string_view value);

}  // namespace facteur
