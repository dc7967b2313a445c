// Encoded words of header fields (RFC 2047): text that people see, for SEARCH and for display; never for protocol.
#pragma once

#include <string>
#include <string_view>

namespace facteur::mime {

/// An unfolded field body with its encoded words decoded, in UTF-8. White space between two encoded words goes (section
/// 6.2); an encoded word of an unknown charset or encoding stays as written; 8-bit text beside them is guessed.
/// Characters cut between adjacent words of one charset and encoding are put together. Linear.
[[nodiscard]] std::string decode_encoded_words(std::string_view text);

}  // namespace facteur::mime
