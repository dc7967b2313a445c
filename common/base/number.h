// The one checked way from text to an integer.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace facteur {

/// The decimal number that is the whole of `text`: digits only for unsigned types (no sign, no spaces), a leading '-'
/// allowed for signed ones. Nothing on overflow, on an empty text or with any other octet.
template <class Integer>
[[nodiscard]] std::optional<Integer> parse_number(std::string_view text, int base = 10) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace facteur
