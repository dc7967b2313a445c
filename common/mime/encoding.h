// Content-Transfer-Encoding (RFC 2045 section 6): what a body says once it is decoded. Decoders never fail.
#pragma once

#include <string>
#include <string_view>

namespace facteur::mime {

/// Quoted-printable (RFC 2045 section 6.7). "=" that begins no escape stays; white space at the end of lines goes.
[[nodiscard]] std::string decode_quoted_printable(std::string_view text);
/// The body by the name of its encoding, in any case: base64 and quoted-printable are decoded, all others are as they
/// are.
[[nodiscard]] std::string decode_body(std::string_view encoding, std::string_view body);

}  // namespace facteur::mime
