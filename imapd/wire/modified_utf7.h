// Mailbox names on the wire: modified UTF-7 (RFC 3501 section 5.1.3). In the store they are UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace facteur::imapd {

/// The name in UTF-8. Nothing unless `wire` is the one canonical spelling of a name without control characters: no
/// needless shifts, no lone surrogates, nothing left open.
[[nodiscard]] std::optional<std::string> from_modified_utf7(std::string_view wire);
/// The wire form of a name in well-formed UTF-8.
[[nodiscard]] std::string to_modified_utf7(std::string_view name);

}  // namespace facteur::imapd
