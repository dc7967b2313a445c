// Octets as text: base64 (RFC 4648 section 4), hexadecimal, and base 62 for ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur {

[[nodiscard]] std::string base64_encode(std::string_view octets);
/// The octets; nothing unless the text is canonical (alphabet, padding, no white space, unused bits zero).
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
/// The octets of MIME base64 (RFC 2045 section 6.8): characters outside the alphabet are skipped, decoding ends at the
/// first '='. Never fails.
[[nodiscard]] std::string base64_decode_mime(std::string_view text);

[[nodiscard]] std::string hex_encode(std::string_view octets);
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

/// The number in digits 0-9A-Za-z, padded on the left with '0' to `width`; the order of the texts of one width is that
/// of the numbers.
[[nodiscard]] std::string base62(std::uint64_t number, std::size_t width);

}  // namespace facteur
