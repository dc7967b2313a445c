// Plain ASCII text. Mail is octets: nothing here depends on a locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace facteur {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
[[nodiscard]] constexpr char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alpha(char c) {
  return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}
[[nodiscard]] constexpr bool is_alnum(char c) {
  return is_digit(c) || is_alpha(c);
}
/// Space or tab: WSP of RFC 5234.
[[nodiscard]] constexpr bool is_wsp(char c) {
  return c == ' ' || c == '\t';
}
/// A control character of ASCII, DEL included.
[[nodiscard]] constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);
/// Equal but for the case of ASCII letters.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
[[nodiscard]] bool istarts_with(std::string_view text, std::string_view prefix);

/// Without the spaces, tabs, CR and LF at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
/// The parts between the separators; one empty part for an empty text.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
/// The words of a text, which spaces and tabs separate; at most `most`, the last then takes the rest.
[[nodiscard]] std::vector<std::string_view> words(std::string_view text, std::size_t most = 64);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Octets made fit for one line of a log or of a reply: control characters and 8-bit octets become \n, \r, \t, \\ or
/// \xNN; cut to `most` octets of input with "..." behind.
[[nodiscard]] std::string printable(std::string_view octets, std::size_t most = 1024);
/// Well-formed UTF-8 (RFC 3629 section 4: no overlong forms, no surrogates). ASCII is.
[[nodiscard]] bool is_utf8(std::string_view octets);

}  // namespace facteur
