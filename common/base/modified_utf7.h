// Mailbox names in modified UTF-7 (RFC 3501 section 5.1.3): how IMAP4rev1 sends them, and Maildir++ keeps them on disk.
// Everywhere else they are UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur {

/// Well-formed UTF-8 as modified UTF-7.
[[nodiscard]] std::string to_modified_utf7(std::string_view utf8);

/// The UTF-8 of a name in modified UTF-7. Nothing unless it is canonical: encoded parts closed, not empty, no character
/// encoded that stands for itself, no lone surrogate, no 8-bit octet, no control character.
[[nodiscard]] std::optional<std::string> from_modified_utf7(std::string_view text);

}  // namespace facteur
