#include "common/base/encode.h"

#include <array>

namespace facteur {
namespace {

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr auto base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::size_t i = 0; i < base64_digits.size(); ++i) {
    values[static_cast<std::uint8_t>(base64_digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::uint8_t base64_value(char c) {
  return base64_values[static_cast<std::uint8_t>(c)];
}

/// Collects six bits at a time and gives out whole octets.
struct SixBits {
  std::uint32_t bits = 0;
  int count = 0;
  std::string octets;

  void add(std::uint8_t value) {
    bits = (bits << 6 | value) & 0xffffff;
    count += 6;
    if (count < 8) return;
    count -= 8;
    octets += static_cast<char>(bits >> count & 0xff);
  }
  [[nodiscard]] bool rest_is_zero() const { return (bits & ((1U << count) - 1)) == 0; }
};

}  // namespace

std::string base64_encode(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const auto at = [&](std::size_t j) {
      return j < octets.size() ? std::uint32_t{static_cast<std::uint8_t>(octets[j])} : 0U;
    };
    const std::uint32_t bits = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out += base64_digits[bits >> 18];
    out += base64_digits[bits >> 12 & 63];
    out += i + 1 < octets.size() ? base64_digits[bits >> 6 & 63] : '=';
    out += i + 2 < octets.size() ? base64_digits[bits & 63] : '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  SixBits decoder;
  for (const char c : text) {
    if (base64_value(c) == no_digit) return std::nullopt;
    decoder.add(base64_value(c));
  }
  if (!decoder.rest_is_zero()) return std::nullopt;
  return std::move(decoder.octets);
}

std::string base64_decode_mime(std::string_view text) {
  SixBits decoder;
  for (const char c : text) {
    if (c == '=') break;
    if (base64_value(c) != no_digit) decoder.add(base64_value(c));
  }
  return std::move(decoder.octets);
}

std::string hex_encode(std::string_view octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<std::uint8_t>(c);
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  const auto value = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (value(text[i]) < 0 || value(text[i + 1]) < 0) return std::nullopt;
    out += static_cast<char>(value(text[i]) << 4 | value(text[i + 1]));
  }
  return out;
}

std::string base62(std::uint64_t number, std::size_t width) {
  static constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string out(width, '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, number /= 62) *digit = digits[number % 62];
  return out;
}

}  // namespace facteur
