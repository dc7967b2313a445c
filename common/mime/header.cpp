#include "common/mime/header.h"

#include <algorithm>

#include "common/base/strings.h"

namespace facteur::mime {
namespace {

/// The octets of the first line, its LF included.
std::size_t line_size(std::string_view text) {
  const auto lf = text.find('\n');
  return lf == std::string_view::npos ? text.size() : lf + 1;
}

bool is_empty_line(std::string_view text) {
  return text.starts_with("\r\n") || text.starts_with('\n');
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::optional<Field> Fields::next() {
  if (rest_.empty() || is_empty_line(rest_)) return std::nullopt;
  auto size = line_size(rest_);
  while (size < rest_.size() && is_wsp(rest_[size])) size += line_size(rest_.substr(size));
  Field field{rest_.substr(0, size), {}, {}};
  rest_.remove_prefix(size);
  const auto colon = field.raw.substr(0, line_size(field.raw)).find(':');
  if (colon == std::string_view::npos) return field;
  const auto name = field.raw.substr(0, colon);
  field.name = name.substr(0, name.find_last_not_of(" \t") + 1);
  field.body = without_line_end(field.raw.substr(colon + 1));
  return field;
}

std::size_t header_size(std::string_view message) {
  std::size_t at = 0;
  while (at < message.size()) {
    const auto rest = message.substr(at);
    at += line_size(rest);
    if (is_empty_line(rest)) break;
  }
  return at;
}

std::optional<std::string_view> find_field(std::string_view header, std::string_view name) {
  Fields fields(header);
  while (const auto field = fields.next()) {
    if (iequals(field->name, name)) return field->body;
  }
  return std::nullopt;
}

std::string unfold(std::string_view body) {
  std::string out;
  std::ranges::copy_if(trim(body), std::back_inserter(out), [](char c) { return c != '\r' && c != '\n'; });
  return out;
}

std::string select_fields(std::string_view header, const std::vector<std::string>& names, bool listed) {
  std::string out;
  Fields fields(header);
  while (const auto field = fields.next()) {
    const bool found = std::ranges::any_of(names, [&](const auto& name) { return iequals(name, field->name); });
    if (found == listed) out += field->raw;
  }
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out += "\r\n";
}

bool begins_with_field(std::string_view message) {
  if (message.empty() || is_empty_line(message)) return true;
  Fields fields(message.substr(0, line_size(message)));
  const auto field = fields.next();
  // ftext of RFC 5322 section 3.6.8.
  return field && !field->name.empty() && std::ranges::all_of(field->name, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace facteur::mime
