#include "cli/sendmail/header.h"

#include <algorithm>
#include <cstddef>

#include "common/address/grammar.h"
#include "common/base/encode.h"
#include "common/base/strings.h"
#include "common/mime/header.h"

namespace facteur::cli::sendmail {
namespace {

constexpr std::string_view dropped[] = {"Bcc", "Resent-Bcc", "Return-Path", "Content-Length"};

/// An encoded word has at most 75 characters (RFC 2047 section 2): 45 octets, which are 60 of base64.
constexpr std::size_t octets_of_word = 45;

bool is_dropped(std::string_view name) {
  return std::any_of(std::begin(dropped), std::end(dropped), [&](auto one) { return iequals(one, name); });
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Words are cut between characters (RFC 2047 section 5), folded onto lines of their own.
std::string encoded_words(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    auto size = std::min(octets_of_word, name.size());
    while (size < name.size() && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
    out += (out.empty() ? "" : "\n ") + ("=?UTF-8?B?" + base64_encode(name.substr(0, size))) + "?=";
    name.remove_prefix(size);
  }
  return out;
}

std::string phrase(std::string_view name) {
  if (!address::is_ascii(name)) return encoded_words(name);
  const bool atoms = std::all_of(name.begin(), name.end(), [](char c) { return address::is_atext(c) || c == ' '; });
  return atoms ? std::string(name) : quoted(name);
}

}  // namespace

std::string from_field(std::string_view name, std::string_view address) {
  name = trim(name);
  const bool fit = !name.empty() && is_utf8(name) && std::none_of(name.begin(), name.end(), is_control);
  if (!fit) return "From: " + std::string(address);
  return "From: " + phrase(name) + " <" + std::string(address) + ">";
}

std::string close_header(std::string_view message) {
  std::size_t header = 0;
  mime::Fields fields(message);
  while (mime::begins_with_field(message.substr(header))) {
    const auto field = fields.next();
    if (!field) return std::string(message);
    header += field->raw.size();
  }
  std::string out(message);
  return out.insert(header, "\n");
}

std::string rewrite_header(std::string_view message, const std::string& from) {
  std::string out;
  out.reserve(message.size() + from.size() + 1);
  bool has_from = false;
  std::size_t header = 0;
  mime::Fields fields(message);
  while (const auto field = fields.next()) {
    header += field->raw.size();
    has_from = has_from || iequals(field->name, "From");
    if (!is_dropped(field->name)) out += field->raw;
  }
  if (!has_from) out.insert(0, from + "\n");
  return out += message.substr(header);
}

}  // namespace facteur::cli::sendmail
