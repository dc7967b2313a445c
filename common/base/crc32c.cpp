// Two ways to one number: tables, and the instruction that some processors have for it.
#include "common/base/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace facteur {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // reflected

// Slicing by eight (Kounavis and Berry, 2005): eight tables let eight octets go in one step.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    out[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t k = 1; k < 8; ++k) out[k][i] = out[k - 1][i] >> 8 ^ out[0][out[k - 1][i] & 0xff];
  }
  return out;
}();
static_assert(std::endian::native == std::endian::little);

std::uint32_t by_tables(std::string_view octets, std::uint32_t crc) {
  while (octets.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), 8);
    word ^= crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= tables[7 - k][word >> (8 * k) & 0xff];
    octets.remove_prefix(8);
  }
  for (const char c : octets) crc = crc >> 8 ^ tables[0][(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
  return crc;
}

#ifdef __x86_64__
[[gnu::target("sse4.2")]] std::uint32_t by_instruction(std::string_view octets, std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (octets.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data(), 8);
    wide = _mm_crc32_u64(wide, word);
    octets.remove_prefix(8);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const char c : octets) crc = _mm_crc32_u8(crc, static_cast<std::uint8_t>(c));
  return crc;
}

bool has_instruction() {
  return __builtin_cpu_supports("sse4.2") != 0;
}
#else
constexpr auto by_instruction = by_tables;

constexpr bool has_instruction() {
  return false;
}
#endif

}  // namespace

std::uint32_t crc32c(std::string_view octets, std::uint32_t before) {
  static const auto way = has_instruction() ? by_instruction : by_tables;
  return ~way(octets, ~before);
}

std::uint32_t crc32c_by_tables(std::string_view octets, std::uint32_t before) {
  return ~by_tables(octets, ~before);
}

}  // namespace facteur
