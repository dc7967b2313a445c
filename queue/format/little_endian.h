// Fixed-width integers in the order of octets that the queue file has.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace facteur::queue {

/// Writes `value` at `at`, lowest octet first.
template <std::unsigned_integral Integer>
void put_little_endian(char* at, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) at[i] = static_cast<char>(std::uint64_t{value} >> (8 * i) & 0xff);
}

/// Reads what put_little_endian() wrote at `offset`, which must lie inside.
template <std::unsigned_integral Integer>
[[nodiscard]] Integer get_little_endian(std::string_view octets, std::size_t offset) {
  std::uint64_t bits = 0;
  for (std::size_t i = sizeof(Integer); i > 0; --i)
    bits = bits << 8 | static_cast<std::uint8_t>(octets[offset + i - 1]);
  return static_cast<Integer>(bits);
}

}  // namespace facteur::queue
