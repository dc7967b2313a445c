// Decoding is strict by a simple rule: what was decoded must give the same octets when it is encoded again.
#include "imapd/wire/modified_utf7.h"

#include <algorithm>
#include <cstdint>

#include "common/base/encode.h"
#include "common/base/strings.h"

namespace facteur::imapd {

namespace {

void append_utf8(std::string& out, std::uint32_t point) {
  const auto octet = [&out](std::uint32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) return octet(point);
  if (point < 0x800) {
    octet(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    octet(0xe0 | point >> 12);
    octet(0x80 | (point >> 6 & 0x3f));
  } else {
    octet(0xf0 | point >> 18);
    octet(0x80 | (point >> 12 & 0x3f));
    octet(0x80 | (point >> 6 & 0x3f));
  }
  octet(0x80 | (point & 0x3f));
}

/// The first code point of well-formed UTF-8, taken away.
std::uint32_t take_point(std::string_view& text) {
  const auto octet = [&text](std::size_t i) { return static_cast<std::uint32_t>(static_cast<std::uint8_t>(text[i])); };
  const std::size_t length = octet(0) < 0x80 ? 1 : octet(0) < 0xe0 ? 2 : octet(0) < 0xf0 ? 3 : 4;
  std::uint32_t point = length == 1 ? octet(0) : octet(0) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) point = point << 6 | (octet(i) & 0x3f);
  text.remove_prefix(std::min(length, text.size()));
  return point;
}

void append_utf16(std::string& out, std::uint32_t point) {
  const auto unit = [&out](std::uint32_t bits) {
    out += static_cast<char>(bits >> 8);
    out += static_cast<char>(bits & 0xff);
  };
  if (point < 0x10000) return unit(point);
  unit(0xd800 | (point - 0x10000) >> 10);
  unit(0xdc00 | ((point - 0x10000) & 0x3ff));
}

/// UTF-16BE to UTF-8; false for a lone surrogate or half a unit.
bool append_from_utf16(std::string& out, std::string_view units) {
  const auto unit = [units](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<std::uint8_t>(units[i]) << 8 |
                                      static_cast<std::uint8_t>(units[i + 1]));
  };
  if (units.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < units.size(); i += 2) {
    std::uint32_t point = unit(i);
    if (point >= 0xd800 && point < 0xe000) {
      i += 2;
      if (point >= 0xdc00 || i >= units.size() || unit(i) < 0xdc00 || unit(i) > 0xdfff) return false;
      point = 0x10000 + ((point & 0x3ff) << 10) + (unit(i) & 0x3ff);
    }
    append_utf8(out, point);
  }
  return true;
}

/// The octets of a shift: base64 with "," for "/" and without padding.
std::optional<std::string> shifted(std::string_view text) {
  if (text.find('/') != std::string_view::npos || text.find('=') != std::string_view::npos) return std::nullopt;
  std::string base64(text);
  std::replace(base64.begin(), base64.end(), ',', '/');
  base64.append((4 - base64.size() % 4) % 4, '=');
  return base64_decode(base64);
}

void append_shift(std::string& out, std::string_view utf16) {
  std::string base64 = base64_encode(utf16);
  while (base64.ends_with('=')) base64.pop_back();
  std::replace(base64.begin(), base64.end(), '/', ',');
  out.append("&").append(base64).append("-");
}

std::optional<std::string> decode(std::string_view wire) {
  std::string out;
  while (!wire.empty()) {
    const auto shift = wire.find('&');
    out += wire.substr(0, shift);
    if (shift == std::string_view::npos) return out;
    const auto end = wire.find('-', shift);
    if (end == std::string_view::npos) return std::nullopt;
    const auto octets = shifted(wire.substr(shift + 1, end - shift - 1));
    if (!octets) return std::nullopt;
    if (octets->empty()) out += '&';
    if (!append_from_utf16(out, *octets)) return std::nullopt;
    wire.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::optional<std::string> from_modified_utf7(std::string_view wire) {
  if (!std::all_of(wire.begin(), wire.end(), [](char c) { return c >= 0x20 && c < 0x7f; })) return std::nullopt;
  auto name = decode(wire);
  if (!name || std::any_of(name->begin(), name->end(), is_control) || to_modified_utf7(*name) != wire) {
    return std::nullopt;
  }
  return name;
}

std::string to_modified_utf7(std::string_view name) {
  std::string out;
  std::string utf16;
  while (!name.empty()) {
    const auto point = take_point(name);
    const bool direct = point >= 0x20 && point < 0x7f;
    if (!direct) {
      append_utf16(utf16, point);
      continue;
    }
    if (!utf16.empty()) append_shift(out, utf16);
    utf16.clear();
    out += static_cast<char>(point);
    if (point == '&') out += '-';
  }
  if (!utf16.empty()) append_shift(out, utf16);
  return out;
}

}  // namespace facteur::imapd
