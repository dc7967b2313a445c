// Character sets: text of any to UTF-8, and folding for comparisons without case. ICU is used here only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::mime {

/// Octets that one call converts; what is behind them is left out.
constexpr std::size_t max_converted = 64 << 20;

/// True if to_utf8() knows the charset; SEARCH answers BADCHARSET otherwise (RFC 3501 section 6.4.4).
[[nodiscard]] bool is_known_charset(std::string_view charset);
/// The text in UTF-8, U+FFFD for what the charset does not have; nothing if the charset is not known.
[[nodiscard]] std::optional<std::string> to_utf8(std::string_view charset, std::string_view octets);
/// UTF-8 for text that says no charset: itself if it is well-formed, else read as windows-1252.
[[nodiscard]] std::string guess_utf8(std::string_view octets);
/// UTF-8 with the differences of case taken away (Unicode full case folding): equal results, equal but for case.
[[nodiscard]] std::string fold_case(std::string_view utf8);

}  // namespace facteur::mime
