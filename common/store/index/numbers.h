// Numbers in keys and values of the index: big-endian, so that keys stand in the order of their numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace facteur::store {

/// Appends the lowest `octets` octets of a number.
inline void put_number(std::string& out, std::uint64_t number, int octets) {
  for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

/// Takes a number of so many octets off the text; of a text that is too short, what there is.
inline std::uint64_t take_number(std::string_view& text, std::size_t octets) {
  std::uint64_t number = 0;
  for (const char c : text.substr(0, octets)) number = number << 8 | static_cast<std::uint8_t>(c);
  text.remove_prefix(std::min(octets, text.size()));
  return number;
}

}  // namespace facteur::store
