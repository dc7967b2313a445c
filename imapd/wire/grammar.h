// Character classes of the formal syntax (RFC 3501 section 9).
#pragma once

#include <string_view>

#include "common/base/strings.h"

namespace facteur::imapd {

/// CHAR: 7-bit, no NUL.
[[nodiscard]] constexpr bool is_char(char c) {
  return c > 0;
}
/// ATOM-CHAR: no atom-specials.
[[nodiscard]] constexpr bool is_atom_char(char c) {
  return is_char(c) && !is_control(c) && std::string_view("(){ %*\"\\]").find(c) == std::string_view::npos;
}
/// ASTRING-CHAR: also "]".
[[nodiscard]] constexpr bool is_astring_char(char c) {
  return is_atom_char(c) || c == ']';
}
/// A character of a tag: ASTRING-CHAR but "+".
[[nodiscard]] constexpr bool is_tag_char(char c) {
  return is_astring_char(c) && c != '+';
}
/// list-char: also the wildcards.
[[nodiscard]] constexpr bool is_list_char(char c) {
  return is_astring_char(c) || c == '%' || c == '*';
}

}  // namespace facteur::imapd
