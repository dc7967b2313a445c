#include "common/address/grammar.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace facteur::address {
namespace {

/// What may stand in quotes (qtextSMTP and quoted-pairSMTP of RFC 5321 section 4.1.2, RFC 6531 section 3.3).
bool may_be_quoted(char c) {
  return !is_control(c);
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > max_label || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_' || is_8bit(c); });
}

bool is_ip(int family, std::string_view text) {
  std::array<unsigned char, 16> octets{};
  if (text.contains('\0')) return false;
  return inet_pton(family, std::string(text).c_str(), octets.data()) == 1;
}

}  // namespace

bool is_ascii(std::string_view octets) {
  return std::ranges::none_of(octets, is_8bit);
}

bool is_dot_string(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atext(c)) return false;
    before = c;
  }
  return before != '.';
}

std::optional<std::string> take_quoted_string(std::string_view& text) {
  if (!text.starts_with('"')) return std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return out;
    }
    if (text[i] == '\\') ++i;
    if (i == text.size() || !may_be_quoted(text[i])) break;
    out += text[i];
  }
  return std::nullopt;
}

bool is_domain(std::string_view text) {
  if (text.size() > max_domain || !is_utf8(text)) return false;
  for (;;) {
    const auto dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  return !std::ranges::all_of(text, is_digit);
}

bool is_address_literal(std::string_view text) {
  constexpr std::string_view ipv6_tag = "IPv6:";
  if (text.size() < 2 || text.size() > max_domain || text.front() != '[' || text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  if (istarts_with(text, ipv6_tag)) return is_ip(AF_INET6, text.substr(ipv6_tag.size()));
  return is_ip(AF_INET, text);
}

std::string quote_local_part(std::string_view local_part) {
  if (is_dot_string(local_part)) return std::string(local_part);
  std::string out = "\"";
  for (const char c : local_part) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

}  // namespace facteur::address
