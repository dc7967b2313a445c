// Modified UTF-7: '&', base64 of UTF-16 with ',' for '/' and without padding, '-'.
#include "common/base/modified_utf7.h"

#include <algorithm>
#include <cstdint>

#include "common/base/encode.h"
#include "common/base/strings.h"

namespace facteur {
namespace {

bool stands_for_itself(char c) {
  return c >= 0x20 && c < 0x7f;
}

/// The code point at the front of well-formed UTF-8, which is taken off.
char32_t take_code_point(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t point = length == 1 ? lead : lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length && i < text.size(); ++i)
    point = point << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3f);
  text.remove_prefix(std::min(length, text.size()));
  return point;
}

void put_utf16(std::string& out, char32_t point) {
  const auto put = [&](char32_t unit) { out += {static_cast<char>(unit >> 8 & 0xff), static_cast<char>(unit & 0xff)}; };
  if (point < 0x10000) return put(point);
  put(0xd800 + ((point - 0x10000) >> 10));
  put(0xdc00 + ((point - 0x10000) & 0x3ff));
}

void put_utf8(std::string& out, char32_t point) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Big-endian UTF-16 as UTF-8. Surrogates that are no pair come out as three octets that are no UTF-8.
std::string utf16_to_utf8(std::string_view octets) {
  std::string out;
  const auto unit = [&](std::size_t i) -> char32_t {
    if (i + 2 > octets.size()) return 0;
    return static_cast<char32_t>(static_cast<std::uint8_t>(octets[i]) << 8 | static_cast<std::uint8_t>(octets[i + 1]));
  };
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2) {
    char32_t point = unit(i);
    const char32_t low = unit(i + 2);
    if ((point & 0xfc00) == 0xd800 && (low & 0xfc00) == 0xdc00) {
      point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
      i += 2;
    }
    put_utf8(out, point);
  }
  return out;
}

std::string encode_run(std::string_view utf16) {
  std::string text = base64_encode(utf16);
  text.erase(text.find_last_not_of('=') + 1);
  std::ranges::replace(text, '/', ',');
  return '&' + text + '-';
}

/// The octets of an encoded part, without '&' and '-'.
std::optional<std::string> decode_run(std::string_view run) {
  std::string text(run);
  std::ranges::replace(text, ',', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  const auto utf16 = base64_decode(text);
  if (!utf16) return std::nullopt;
  return utf16_to_utf8(*utf16);
}

}  // namespace

std::string to_modified_utf7(std::string_view utf8) {
  std::string out;
  std::string run;
  const auto flush = [&] {
    if (!run.empty()) out += encode_run(run);
    run.clear();
  };
  while (!utf8.empty()) {
    const char c = utf8.front();
    const char32_t point = take_code_point(utf8);
    if (!stands_for_itself(c)) {
      put_utf16(run, point);
      continue;
    }
    flush();
    out += c;
    if (c == '&') out += '-';
  }
  flush();
  return out;
}

std::optional<std::string> from_modified_utf7(std::string_view text) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const auto ampersand = std::min(rest.find('&'), rest.size());
    out += rest.substr(0, ampersand);
    rest.remove_prefix(ampersand);
    if (rest.empty()) break;
    const auto end = rest.find('-');
    if (end == std::string_view::npos) return std::nullopt;
    const auto run = rest.substr(1, end - 1);
    const auto decoded = run.empty() ? std::optional<std::string>("&") : decode_run(run);
    if (!decoded) return std::nullopt;
    out += *decoded;
    rest.remove_prefix(end + 1);
  }
  // One way back, and it must be the way we came: this is what refuses needless and adjoining encoded parts.
  if (!is_utf8(out) || std::ranges::any_of(out, is_control) || to_modified_utf7(out) != text) return std::nullopt;
  return out;
}

}  // namespace facteur
