// Mailbox names in modified UTF-7 (RFC 3501 section 5.1.3): how IMAP4rev1 sends them, and Maildir++ keeps them on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::store {

/// Well-formed UTF-8 as modified UTF-7.
[[nodiscard]] std::string utf8_to_mutf7(std::string_view utf8);

/// The UTF-8 of a name in modified UTF-7. Nothing unless it is canonical: encoded parts closed, not empty, no character
/// encoded that stands for itself, no lone surrogate, no 8-bit octet.
[[nodiscard]] std::optional<std::string> mutf7_to_utf8(std::string_view mutf7);

}  // namespace facteur::store
