#include "common/dsn/text.h"

#include <algorithm>
#include <fmt/format.h>

#include "common/address/grammar.h"
#include "common/base/strings.h"

namespace facteur::dsn {
namespace {

constexpr std::size_t fold_at = 78;
constexpr std::size_t max_line = 998;

/// Adds an octet as it is if it is printable ASCII, else as \xNN.
void add_escaped(std::string& out, char c) {
  if (is_control(c) || address::is_8bit(c)) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
  } else {
    out += c;
  }
}

/// The text in lines: broken at the last space before column 78, or where a word is longer than a line may be.
std::string fold(std::string_view text, std::string_view indent) {
  std::string out;
  while (text.size() > fold_at) {
    auto end = text.rfind(' ', fold_at);
    if (end == std::string_view::npos || end == 0) end = text.find(' ', fold_at);
    const bool at_space = end != std::string_view::npos && end < max_line - indent.size();
    if (!at_space) end = std::min(text.size(), max_line - indent.size());
    if (end == text.size()) break;
    out.append(text.substr(0, end)).append("\r\n").append(indent);
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return out.append(text).append("\r\n");
}

/// One code point of well-formed UTF-8 taken from the front.
std::uint32_t take_code_point(std::string_view& utf8) {
  const auto lead = static_cast<unsigned char>(utf8[0]);
  const std::size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t out = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < std::min(size, utf8.size()); ++i)
    out = out << 6 | (static_cast<unsigned char>(utf8[i]) & 63);
  utf8.remove_prefix(std::min(size, utf8.size()));
  return out;
}

}  // namespace

std::string safe_text(std::string_view text, std::size_t most) {
  std::string out;
  const bool cut = text.size() > most;
  for (const char c : trim(text.substr(0, most))) {
    if (c == '\r' || c == '\n' || c == '\t') {
      if (!out.ends_with(' ')) out += ' ';
    } else {
      add_escaped(out, c);
    }
  }
  return cut ? out + "..." : out;
}

std::string field(std::string_view name, std::string_view value) {
  return fold(fmt::format("{}: {}", name, value), "    ");
}

std::string paragraph(std::string_view text, std::string_view indent) {
  return fold(text, indent);
}

std::string typed_address(const address::Address& address) {
  const auto text = address.to_string();
  if (address::is_ascii(text)) return "rfc822; " + safe_text(text, text.size());
  std::string out = "utf-8; ";
  for (std::string_view rest = text; !rest.empty();) {
    const auto point = take_code_point(rest);
    const bool plain = point > ' ' && point < 0x7f && point != '\\' && point != '+' && point != '=';
    if (plain) {
      out += static_cast<char>(point);
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{{{:X}}}", point);
    }
  }
  return out;
}

std::string safe_header(std::string_view header, std::size_t most) {
  std::string out;
  while (!header.empty() && out.size() < most) {
    auto line = header.substr(0, header.find('\n'));
    header.remove_prefix(std::min(line.size() + 1, header.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string safe;
    for (const char c : line.substr(0, max_line)) {
      if (c == '\t') {
        safe += c;
      } else {
        add_escaped(safe, c);
      }
    }
    safe.resize(std::min(safe.size(), max_line));
    if (out.size() + safe.size() + 2 > most) break;
    out.append(safe).append("\r\n");
  }
  return out;
}

}  // namespace facteur::dsn
