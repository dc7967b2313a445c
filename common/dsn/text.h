// Lines of a report: foreign text made safe, long text folded.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/address/address.h"

namespace facteur::dsn {

/// Foreign text on one line of printable ASCII: line breaks become spaces, other odd octets \xNN; cut at `most` octets.
[[nodiscard]] std::string safe_text(std::string_view text, std::size_t most);
/// A field "Name: value", folded at spaces to about 78 octets a line and never beyond 998 (RFC 5322 section 2.1.1).
[[nodiscard]] std::string field(std::string_view name, std::string_view value);
/// A paragraph of lines of about 78 octets, each but the first indented by `indent`.
[[nodiscard]] std::string paragraph(std::string_view text, std::string_view indent = "");
/// An address with its type: "rfc822; jim@minfo.sn", or "utf-8; …" as utf-8-addr-xtext (RFC 6533 section 3).
[[nodiscard]] std::string typed_address(const address::Address& address);
/// A header as it was, but 7-bit, its control characters and 8-bit octets as \xNN, lines and the whole cut to bounds.
[[nodiscard]] std::string safe_header(std::string_view header, std::size_t most);

}  // namespace facteur::dsn
