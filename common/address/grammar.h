// The words of which addresses are made, as SMTP (RFC 5321 section 4.1.2) and header fields (RFC 5322) share them.
// Octets of UTF-8 are allowed where RFC 6531 and RFC 6532 allow them; who must not have them asks is_ascii().
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/strings.h"

namespace facteur::address {

/// Limits of RFC 5321 section 4.5.3.1 and, for a label, RFC 1035 section 2.3.4. In octets.
constexpr std::size_t max_local_part = 64;
constexpr std::size_t max_domain = 255;
constexpr std::size_t max_label = 63;

[[nodiscard]] constexpr bool is_8bit(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
/// A character of an atom: RFC 5322 section 3.2.3, widened by RFC 6532 section 3.2.
[[nodiscard]] constexpr bool is_atext(char c) {
  return is_alnum(c) || is_8bit(c) || (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c));
}
/// True if no octet has its high bit set.
[[nodiscard]] bool is_ascii(std::string_view octets);
/// Dot-string of RFC 5321 section 4.1.2: atoms with single dots between them.
[[nodiscard]] bool is_dot_string(std::string_view text);

/// Takes a Quoted-string (RFC 5321 section 4.1.2: printable characters only) from the front and returns what it says,
/// quotes and backslashes removed. Nothing, and `text` as it was, if there is none or it is malformed.
[[nodiscard]] std::optional<std::string> take_quoted_string(std::string_view& text);

/// A host or mail domain: labels of letters, digits, hyphens and underscores (which exist in practice), the last not
/// all digits (RFC 3696 section 2), so that no resolver takes it for an IPv4 address; UTF-8 labels (RFC 6531
/// section 3.3).
[[nodiscard]] bool is_domain(std::string_view text);
/// "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3).
[[nodiscard]] bool is_address_literal(std::string_view text);

/// The local part as addresses write it: itself, or in quotes when it is no Dot-string.
[[nodiscard]] std::string quote_local_part(std::string_view local_part);

}  // namespace facteur::address
